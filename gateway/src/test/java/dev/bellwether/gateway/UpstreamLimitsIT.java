package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.recorded;
import static dev.bellwether.gateway.TestGateway.send;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Interaction;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a gateway allows a service of somebody else's, where it lets it lead, and whose fault it holds a refusal for. */
class UpstreamLimitsIT {
    private static final String SECRET = "sk-very-secret-0123456789";
    private static final String LIMITS =
            ",\"limits\":{\"first_token\":\"PT0.4S\",\"between_tokens\":\"PT0.4S\",\"reply\":\"PT0.4S\",\"retries\":0}";

    /** Whose bots are asked by nobody else. */
    private static final List<String> FLAT = List.of(
            "stall",
            "die",
            "garbage",
            "busy",
            "broken",
            "redirect",
            "hold",
            "die-in-mid-stream",
            "third-stall",
            "third-die",
            "third-garbage",
            "third-garbage-stream",
            "third-broken",
            "third-redirect",
            "third-hold",
            "third-die-in-mid-stream");

    private static final Set<Integer> CLEAR = Set.of(200, 429, 500, 502, 503, 504);

    @TempDir
    private static Path directory = Path.of("");

    private static ScriptedUpstream service;
    private static ScriptedUpstream elsewhere;
    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        service = new ScriptedUpstream();
        elsewhere = new ScriptedUpstream();
        service.leadAwayTo(elsewhere);
        StringBuilder bots = new StringBuilder("""
                bots:
                  up-good: {champion: v1}
                  up-strict: {champion: v1}
                  up-public: {champion: v1}
                  up-follow: {champion: v1}
                  up-moved: {champion: v1}
                  up-led-away: {champion: v1}
                  safe-picky: {champion: v1, serving: {fallbacks: [spare]}}
                  safe-die: {champion: v1, serving: {fallbacks: [spare]}}
                  up-hurried: {champion: v1, chat: {deadline: PT0.2S}}
                  up-narrow: {champion: v1, serving: {concurrent: 1}}
                  up-best: {champion: v1, serving: {best_of: 4}}
                  up-single: {champion: v1}
                  up-rare: {champion: v1}
                """);
        FLAT.forEach(model -> bots.append("  flat-%s: {champion: v1}\n".formatted(model)));
        gateway = new TestGateway(
                directory.resolve("data"),
                bots.toString(),
                new TestGateway.Settings(
                        List.of(), Map.of("TEST_KEY", SECRET)::get, "", 4L << 30, TestGateway.SPOOL_BYTES));
        String follow = ",\"key\":{\"environment\":\"TEST_KEY\"},\"follow_redirects\":true";
        String open = "\"private_addresses\":true";
        add("up-good", "good", "");
        add("up-strict", "strict", "");
        add("up-follow", "redirect", ",\"follow_redirects\":true");
        add("up-moved", "redirect-once", follow);
        add("up-led-away", "redirect-away", follow);
        add("safe-picky", "picky", ",\"sampling\":{\"temperature\":0.2}" + LIMITS);
        add("safe-die", "die", LIMITS);
        add("up-hurried", "hold", "");
        add("up-narrow", "hold", LIMITS);
        add("up-best", "good", "");
        add("up-single", "hold", LIMITS.replace("{", "{\"concurrent\":1,"));
        add("up-rare", "good", ",\"limits\":{\"per_second\":1}");
        for (String model : FLAT) {
            add("flat-" + model, model, LIMITS);
        }
        gateway.upstream("safe-picky", "spare", service.version("good", ""));
        gateway.upstream("safe-die", "spare", service.version("good", ""));
        gateway.upstream("up-public", "v1", service.version("good", "").replace(open, "\"limits\":{\"retries\":0}"));
        addRewardModelWithoutGoldenRewards("up-best");
        gateway.start();
    }

    private static void add(String bot, String model, String more) throws IOException {
        gateway.upstream(bot, "v1", service.version(model, more));
    }

    private static void addRewardModelWithoutGoldenRewards(String bot) throws IOException {
        Path policy = Path.of("../default-policy/artefact");
        Checkpoint checkpoint = Checkpoint.open(policy);
        CheckpointConfig config = checkpoint.config().asRewardModel(1, Pooling.MEAN);
        float[] weights = Arrays.copyOf(checkpoint.parameters(), config.flatSize());
        ArtefactLabel label = new ArtefactLabel(
                bot, "reward-v1", ArtefactKind.REWARD, "v1", null, Instant.EPOCH, null, new RewardScale(0, 1));
        new PolicyStore(gateway.folder().store()).publish(label, target -> {
            Checkpoint.write(target, config, weights, NumberFormat.BF16);
            for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
                Files.copy(policy.resolve(name), target.resolve(name));
            }
        });
    }

    @AfterAll
    static void stop() {
        gateway.close();
        service.close();
        elsewhere.close();
    }

    @Test
    void repliesAndTellsOperatorsWhereAnswersCannotBeChosenFrom() throws IOException, InterruptedException {
        assertThat(gateway.chat("up-best", "").at("/choices/0/message/content").asText())
                .isEqualTo(ScriptedUpstream.TEXT);
        await(() -> {
            HttpResponse<String> state = send(
                    "GET",
                    gateway.operator("/operator/v1/bots/up-best"),
                    "",
                    gateway.folder().operatorKey());
            return JSON.readTree(state.body())
                    .at("/best_of/refused")
                    .asText()
                    .startsWith("reward model reward-v1 cannot be loaded: ");
        });
    }

    /** Whether it was the request's fault nobody can say; so its version is not excused. */
    @Test
    void recordsThatAServiceRefusedARequest() throws IOException, InterruptedException {
        String conversation = "\"bellwether\":{\"conversation_id\":\"refused-1\"}";
        HttpResponse<String> response = gateway.ask("up-strict", ",\"user\":\"ann\"," + conversation);
        assertThat(response.statusCode()).isEqualTo(400);
        await(() -> TestGateway.records(Topics.INTERACTIONS).stream()
                .filter(each -> each.conversationId().equals("refused-1"))
                .anyMatch(each -> !each.complete()
                        && Objects.requireNonNull(each.answer())
                                .failures()
                                .getFirst()
                                .version()
                                .equals("v1")));
    }

    @Test
    void blamesTheVersionForAFieldThatItSetsAndTheCallerForTheCallers() throws IOException, InterruptedException {
        JsonNode reply = gateway.chat("safe-picky", ",\"user\":\"ann\"");
        Interaction interaction = recorded(reply);
        assertThat(interaction.replies().getFirst().version()).isEqualTo("spare");
        assertThat(Objects.requireNonNull(interaction.answer())
                        .failures()
                        .getFirst()
                        .reason())
                .contains("temperature", "it must be 1");
        HttpResponse<String> own = gateway.ask("safe-picky", ",\"temperature\":0.5");
        assertThat(own.statusCode()).isEqualTo(400);
        assertThat(own.body()).contains("it must be 1");
    }

    @Test
    void endsARequestAtItsDeadline() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-hurried", "");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.body()).contains("deadline_exceeded");
        assertThat(response.headers().firstValue("retry-after")).isPresent();
    }

    @Test
    void refusesMoreChatsAtOnceThanABotMayHaveAndNoOtherBots() throws Exception {
        int before = service.calls("hold");
        CompletableFuture<HttpResponse<String>> first = TestGateway.HTTP.sendAsync(
                TestGateway.request(
                        "POST",
                        gateway.open("/v1/chat/completions"),
                        TestGateway.question("up-narrow", ""),
                        gateway.key()),
                HttpResponse.BodyHandlers.ofString());
        await(() -> service.calls("hold") > before);
        HttpResponse<String> refused = gateway.ask("up-narrow", "");
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.headers().firstValue("retry-after")).isPresent();
        JsonNode other = gateway.chat("up-good", "");
        assertThat(gateway.judge(TestGateway.token(other), "{\"kind\":\"thumb\",\"value\":\"up\"}")
                        .statusCode())
                .isEqualTo(202);
        assertThat(first.get().statusCode()).isEqualTo(504);
    }

    @Test
    void asksAServiceForNoMoreAtOnceThanItsVersionAllows() throws Exception {
        List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            asked.add(TestGateway.HTTP.sendAsync(
                    TestGateway.request(
                            "POST",
                            gateway.open("/v1/chat/completions"),
                            TestGateway.question("up-single", ""),
                            gateway.key()),
                    HttpResponse.BodyHandlers.ofString()));
        }
        List<HttpResponse<String>> answers = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> each : asked) {
            answers.add(each.get());
        }
        assertThat(answers).extracting(HttpResponse::statusCode).containsExactlyInAnyOrder(504, 429, 429, 429);
        saysThatItIsBusy(answers.stream()
                .filter(each -> each.statusCode() == 429)
                .findFirst()
                .orElseThrow());
    }

    @Test
    void asksAServiceNoMoreOftenThanItsVersionAllows() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-rare", "");
        int before = service.calls("good");
        for (int more = 0; more < 10 && response.statusCode() == 200; more++) {
            response = gateway.ask("up-rare", "");
        }
        assertThat(response.statusCode()).isEqualTo(429);
        assertThat(service.calls("good")).isLessThan(before + 10);
        saysThatItIsBusy(response);
    }

    private static void saysThatItIsBusy(HttpResponse<String> response) {
        assertThat(response.body()).contains("upstream_busy");
        assertThat(response.headers().firstValue("retry-after")).hasValue("1");
    }

    @Test
    void reachesNoPrivateAddressUnlessTheVersionSaysSo() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-public", "");
        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.body()).contains("upstream_unreachable").doesNotContain("127.0.0.1");
    }

    @Test
    void followsARedirectWithinTheOriginWhereAllowed() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("up-follow", "");
        assertThat(response.statusCode())
                .as("the stand-in redirects again and again")
                .isEqualTo(502);
        assertThat(service.calls("redirect")).isGreaterThanOrEqualTo(4);
        assertThat(gateway.chat("up-moved", "").at("/choices/0/message/content").asText())
                .isEqualTo(ScriptedUpstream.TEXT);
        assertThat(service.lastAuthorization()).isEqualTo("Bearer " + SECRET);
    }

    @Test
    void takesNoKeyToAnotherOrigin() throws IOException, InterruptedException {
        assertThat(gateway.ask("up-led-away", "").statusCode()).isEqualTo(502);
        assertThat(elsewhere.connections()).isZero();
    }

    @Test
    void staysFlatOverThousandsOfFailures() throws Exception {
        List<String> bots = Stream.concat(FLAT.stream().map(model -> "flat-" + model), Stream.of("safe-die"))
                .toList();
        System.gc();
        long before = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        AtomicInteger next = new AtomicInteger();
        AtomicInteger answered = new AtomicInteger();
        List<CompletableFuture<Void>> workers = new ArrayList<>();
        for (int worker = 0; worker < 32; worker++) {
            workers.add(CompletableFuture.runAsync(
                    () -> {
                        for (int i = next.getAndIncrement(); i < 10_000; i = next.getAndIncrement()) {
                            try {
                                String stream = i % 2 == 0 ? ",\"stream\":true" : "";
                                if (CLEAR.contains(gateway.ask(bots.get(i % bots.size()), stream)
                                        .statusCode())) {
                                    answered.incrementAndGet();
                                }
                            } catch (IOException | InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        }
                    },
                    runnable -> Thread.ofVirtual().start(runnable)));
        }
        CompletableFuture.allOf(workers.toArray(CompletableFuture[]::new)).get();
        assertThat(answered).hasValue(10_000);
        for (String model : List.of("stall", "die", "garbage", "broken", "redirect", "hold", "die-in-mid-stream")) {
            assertThat(service.calls(ScriptedUpstream.THIRD + model))
                    .as("%s: a service that fails one time in three is not left alone", model)
                    .isGreaterThan(150);
        }
        await(() -> service.connections() < 64);
        System.gc();
        long after = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        assertThat(after - before).as("bytes more than before").isLessThan(150L << 20);
        assertThat(send("GET", gateway.operator("/metrics"), "", null).body())
                .contains("resilience4j_circuitbreaker_state");
    }
}
