package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Answer;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.Duel;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.Feedback.Preference.Chosen;
import dev.bellwether.sdk.Message;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.standalone.Installation;
import dev.bellwether.standalone.InstallationSettings;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bot that somebody else's service answers for, all the way round: chat, votes, pairs, a reward model, the best of
 * several replies, and two prompts against each other, told in one test; and its gateway when it is stopped.
 */
@TestMethodOrder(MethodOrderer.MethodName.class)
class UpstreamBotIT {
    private static final Logger LOG = LoggerFactory.getLogger(UpstreamBotIT.class);
    private static final String GATEWAY = "gateway";
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final List<String> QUESTIONS = List.of(
            "Where is my card?",
            "How long does a transfer take?",
            "I forgot my PIN.",
            "Can I have a second card?",
            "How do I close my account?");

    @TempDir
    private static Path directory = Path.of("");

    private static PromptedService service;
    private static Installation installation;
    private static BellwetherClient client;

    @BeforeAll
    static void start() throws IOException {
        service = new PromptedService();
        Path bots = directory.resolve("bots.yaml");
        Files.writeString(bots, """
                bots:
                  desk:
                    champion: curt
                    serving: {best_of: 3, duel_of: 5}
                    rollout:
                      steps: [{share: 0.5, hold: PT1S}]
                      approval: automatic
                      counted_min: 10
                      exposures_min: 5
                    refresh: {judgements: 100000, pairs_min: 100}
                """);
        add("curt", "Be short.");
        add("kind", PromptedService.KIND);
        installation = Installation.start(InstallationSettings.of(HOME, directory.resolve("data"))
                .chatPort(0)
                .bots(bots));
        client = client(4);
    }

    private static BellwetherClient client(int retriesMax) {
        return BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .retriesMax(retriesMax)
                .build();
    }

    @AfterAll
    static void stop() {
        installation.close();
        service.close();
    }

    private static void add(String version, String system) throws IOException {
        UpstreamConfig config = UpstreamConfig.parse(
                "{\"url\":\"%s\",\"model\":\"stand-in\",\"private_addresses\":true,\"system\":\"%s\"}"
                        .formatted(service.url(), system));
        new PolicyStore(directory.resolve("data/store"))
                .publish(ArtefactLabel.added("desk", version, ArtefactKind.UPSTREAM, Instant.now()), config::write);
    }

    private static ChatRequest.Builder question(int i, String user) {
        return ChatRequest.builder("desk")
                .message(Message.user(QUESTIONS.get(i % QUESTIONS.size())))
                .user(user);
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(PATIENCE).ignoreExceptions().until(condition);
    }

    /** As `docker stop` and Kubernetes ask for it, by SIGTERM. */
    @Test
    void answersWhatIsUnderWayBeforeItStops() throws Exception {
        long pid = installation.supervisor().pid(GATEWAY);
        ProcessHandle gateway = ProcessHandle.of(pid).orElseThrow();
        BellwetherClient once = client(0);
        CountDownLatch release = service.hold();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<ChatResponse> reply =
                    threads.submit(() -> once.chat(question(0, "late").build()));
            try {
                await(() -> service.held() == 1);
                assertThat(gateway.destroy()).isTrue();
                await(UpstreamBotIT::refused);
                assertThat(reply.isDone()).isFalse();
            } finally {
                release.countDown();
            }
            String interaction =
                    reply.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).interactionId();
            gateway.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            await(() -> reader().latest(Topics.INTERACTIONS).containsKey(interaction));
        }
        await(() -> installation.supervisor().pid(GATEWAY) != pid);
        await(() -> !once.chat(question(0, "later").build()).text().isEmpty());
    }

    /** Asks for what takes no time. */
    private static boolean refused() throws InterruptedException {
        HttpRequest models = HttpRequest.newBuilder(installation.chatUrl().resolve("/v1/models"))
                .header("authorization", "Bearer " + installation.apiKey())
                .build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(models, HttpResponse.BodyHandlers.discarding()).statusCode() == 503;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void goesAllTheWayRound() throws Exception {
        double alone = judgePairs(420);
        await(() -> pairs() >= 120);
        assertThat(alone).as("good replies without choice").isLessThan(.6);
        try (OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            operator.refresh("desk");
            await(() -> operator.refreshes().stream()
                    .anyMatch(refresh -> refresh.bot().equals("desk") && refresh.report() != null));
            RefreshProgress.Report report = operator.refreshes().stream()
                    .map(RefreshProgress::report)
                    .filter(each -> each != null)
                    .findFirst()
                    .orElseThrow();
            assertThat(report.passed()).as(String.join("; ", report.reasons())).isTrue();
            await(() -> chosen(client.chat(question(0, "first").build())));
            int before = service.completions();
            double chosen = goodShare(200, "reader-");
            LOG.info("share of good replies alone {}, with the best of three {}", alone, chosen);
            assertThat(chosen).as("good replies with the best of three").isGreaterThan(alone + .15);
            assertThat(service.completions() - before).as("what it costs").isEqualTo(600);
            duelOfWhatIsDoubted();
            long revision = operator.status("desk").rollout().revision();
            operator.command("desk", OperatorClient.Command.START, "kind", "another prompt", revision);
            await(() -> operator.status("desk").rollout().phase() == RolloutState.Phase.CANARY
                    && operator.status("desk").json().path("effective_revision").asLong()
                            >= operator.status("desk").rollout().revision());
            for (int round = 0; round < 40 && !promoted(operator); round++) {
                vote(50, "voter-%d-".formatted(round));
            }
            await(() -> promoted(operator));
            assertThat(operator.status("desk").rollout().champion()).isEqualTo("kind");
        }
    }

    /** Three duels of four show two of five replies; their pairs say that those were chosen. */
    private static void duelOfWhatIsDoubted() {
        await(() -> {
            ChatResponse response =
                    client.chat(question(0, "doubted").duel(Duel.ALWAYS).build());
            client.submit(response.feedbackToken().orElseThrow(), new Feedback.Preference(Chosen.FIRST));
            Interaction duel = reader().latest(Topics.INTERACTIONS).get(response.interactionId());
            return duel.replies().size() == 2
                    && Objects.requireNonNull(duel.answer()).candidates().size() == 5
                    && duel.answer().candidates().stream()
                                    .filter(Answer.Candidate::served)
                                    .count()
                            == 2;
        });
        await(() -> reader().latest(Topics.PREFERENCE_PAIRS).values().stream()
                .anyMatch(pair -> pair.origin() == PreferencePair.Origin.DOUBTED_DUEL));
    }

    private static boolean promoted(OperatorClient operator) throws IOException, InterruptedException {
        return operator.status("desk").rollout().phase() == RolloutState.Phase.PROMOTED;
    }

    /** People compare two replies side by side; the share of good ones among all that they saw. */
    private static double judgePairs(int comparisons) {
        int good = 0;
        for (int i = 0; i < comparisons; i++) {
            ChatResponse response =
                    client.chat(question(i, "judge-" + i % 60).duel(Duel.ALWAYS).build());
            boolean first = PromptedService.good(response.choices().get(0).text());
            boolean second = PromptedService.good(response.choices().get(1).text());
            good += (first ? 1 : 0) + (second ? 1 : 0);
            Chosen chosen = first == second ? Chosen.TIE : first ? Chosen.FIRST : Chosen.SECOND;
            Feedback judgement = new Feedback.Preference(chosen);
            client.submit(response.feedbackToken().orElseThrow(), judgement);
        }
        return good / (2.0 * comparisons);
    }

    private static double goodShare(int replies, String people) {
        return IntStream.range(0, replies)
                        .filter(i -> PromptedService.good(
                                client.chat(question(i, people + i).build()).text()))
                        .count()
                / (double) replies;
    }

    private static void vote(int people, String name) {
        for (int i = 0; i < people; i++) {
            ChatResponse response = client.chat(question(i, name + i).build());
            boolean good = PromptedService.good(response.text());
            client.submit(response.feedbackToken().orElseThrow(), good ? Feedback.Thumb.up() : Feedback.Thumb.down());
        }
    }

    private static TopicReader reader() {
        return new TopicReader(installation.kafka(), Duration.ofMinutes(1));
    }

    private static long pairs() throws IOException {
        return reader().latest(Topics.PREFERENCE_PAIRS).values().stream()
                .filter(pair -> pair.origin() == PreferencePair.Origin.DUEL)
                .count();
    }

    /** Whether a reply was the best of several, as its record says. */
    private static boolean chosen(ChatResponse response) throws IOException {
        Interaction interaction = reader().latest(Topics.INTERACTIONS).get(response.interactionId());
        if (interaction == null || interaction.answer() == null) {
            return false;
        }
        List<Answer.Candidate> candidates = interaction.answer().candidates();
        if (!candidates.isEmpty()) {
            assertThat(candidates)
                    .isSortedAccordingTo(
                            Comparator.comparingDouble(Answer.Candidate::score).reversed());
            assertThat(candidates).extracting(Answer.Candidate::served).containsExactly(true, false, false);
        }
        return candidates.size() == 3;
    }
}
