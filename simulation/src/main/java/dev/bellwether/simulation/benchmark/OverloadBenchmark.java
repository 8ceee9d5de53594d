package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.simulation.benchmark.LoadGenerator.Result;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.HdrHistogram.Histogram;

/**
 * A gateway whose own policy is asked for five times what it can give: what it still answers well, how long that takes,
 * and whether judgements and other bots notice. Everything shares all cores.
 */
final class OverloadBenchmark {
    private static final int PEAK_CONNECTIONS = 32;
    private static final int FLOOD_CONNECTIONS = 1_024;
    private static final int LARGE_CONNECTIONS = 64;
    private static final int LARGE_BYTES = 990_000;

    /** Of a conversation with what was looked up for it. */
    private static final int LONG_BYTES = 6_000;

    private static final int UPSTREAM_BYTES = 1_100_000;
    private static final double FACTOR = 5;
    private static final int ROUNDS = 3;
    private static final String TOKEN = "feedback_token";
    private static final String PATH = "/v1/chat/completions";
    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final GatewayBenchmark.Settings settings;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();

    OverloadBenchmark(GatewayBenchmark.Settings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(settings.scratch().resolve("kafka"));
                LocalRedis redis = LocalRedis.start(settings.scratch().resolve("redis"));
                InstantUpstream upstream = new InstantUpstream(UPSTREAM_BYTES);
                DataFolder folder = prepare(upstream);
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(settings.home(), folder, kafka.bootstrapServers(), redis.url()),
                        List.of())) {
            Map<String, String> key = Map.of("authorization", "Bearer " + folder.apiKey());
            LoadGenerator chat = new LoadGenerator(gateway.port(), PATH, key, body("busy", "Where is my card?"), TOKEN);
            say("warming up");
            double rate = chat.closedLoop(PEAK_CONNECTIONS, settings.time().multipliedBy(2))
                    .perSecond();
            chat.openLoop(FLOOD_CONNECTIONS, settings.time(), settings.time().multipliedBy(2), FACTOR * rate);
            flood(chat, gateway.port(), folder.apiKey());
            largeBodies(gateway.port(), key);
        }
        return new BenchmarkReport(
                "overload", Machine.describe(), figures, List.of("the generator shares the cores with the gateway"));
    }

    private DataFolder prepare(InstantUpstream upstream) throws IOException {
        Files.createDirectories(settings.scratch());
        Path bots = settings.scratch().resolve("wanted.yaml");
        String chat = "chat: {completion_tokens_max: 48, requests_per_minute: 100000000, deadline: PT%dS}"
                .formatted(DEADLINE.toSeconds());
        Files.writeString(bots, """
                bots:
                  busy: {champion: default, CHAT}
                  other: {champion: default, CHAT}
                  taking: {champion: v1, CHAT}
                  retrieving: {champion: v1, CHAT}
                """.replace("CHAT", chat));
        DataFolder folder = DataFolder.open(settings.scratch().resolve("data"));
        for (String bot : List.of("taking", "retrieving")) {
            upstream.publish(new PolicyStore(folder.store()), bot, "v1");
        }
        folder.prepare(settings.home(), Optional.of(bots));
        return folder;
    }

    private static String body(String bot, String question) {
        return "{\"model\":\"%s\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
                .formatted(bot, question);
    }

    /** The peak and five times the peak in turn, so that both meet the machine in the same moods. */
    private void flood(LoadGenerator chat, int port, String apiKey) throws IOException, InterruptedException {
        List<Round> rounds = new ArrayList<>();
        Histogram judgements = new Histogram(3);
        for (int i = 0; i < ROUNDS; i++) {
            say("peak");
            double peak = chat.closedLoop(PEAK_CONNECTIONS, settings.time()).perSecond();
            say("%.0f requests a second, %.0f times what it can answer".formatted(FACTOR * peak, FACTOR));
            AtomicBoolean over = new AtomicBoolean();
            CompletableFuture<Histogram> judging = CompletableFuture.supplyAsync(() -> judge(port, apiKey, over));
            Result flood = chat.openLoop(FLOOD_CONNECTIONS, settings.time(), settings.time(), FACTOR * peak);
            over.set(true);
            judgements.add(joined(judging));
            rounds.add(new Round(peak, flood));
        }
        report(rounds, judgements);
    }

    private record Round(double peak, Result flood) {
        double kept() {
            return flood.perSecond() / peak;
        }
    }

    private void report(List<Round> rounds, Histogram judgements) {
        List<Round> sorted =
                rounds.stream().sorted(Comparator.comparingDouble(Round::kept)).toList();
        Round middle = sorted.get(rounds.size() / 2);
        figures.add(Figure.of("goodput", "at its peak, 32 at once", middle.peak(), "1/s"));
        String at = "5 times the peak";
        for (Round round : sorted) {
            Figure figure = Figure.of("goodput", at, round.flood().perSecond(), "1/s")
                    .against("its peak just before", round.peak());
            figures.add(
                    figures.size() == 1 + rounds.size() / 2
                            ? figure.goal("median within 10 % of its peak", round.kept() >= .9)
                            : figure);
        }
        double p99 = rounds.stream()
                .mapToDouble(round -> round.flood().percentileMillis(99))
                .max()
                .orElseThrow();
        figures.add(Figure.of("p99 of what is accepted", at, p99, "ms")
                .against("its deadline", (double) DEADLINE.toMillis())
                .goal("within its deadline", p99 <= DEADLINE.toMillis()));
        figures.add(Figure.of("refused early", at, middle.flood().refusedPerSecond(), "1/s"));
        long bad = rounds.stream().mapToLong(round -> round.flood().bad()).sum();
        figures.add(Figure.of("failed otherwise", at, (double) bad, "requests").goal("none", bad == 0));
        double feedback = judgements.getValueAtPercentile(99) / 1e6;
        figures.add(Figure.of("feedback, p99", at, feedback, "ms").goal("at most 50 ms", feedback <= 50));
        figures.add(Figure.of("feedback, p50", at, judgements.getValueAtPercentile(50) / 1e6, "ms"));
    }

    /** Judges one reply again and again, twenty times a second, and takes the time. */
    private static Histogram judge(int port, String apiKey, AtomicBoolean over) {
        Histogram latency = new Histogram(3);
        String base = "http://127.0.0.1:%d/v1".formatted(port);
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            String token = "";
            while (token.isEmpty() && !over.get()) {
                HttpResponse<String> reply =
                        client.send(post(base + "/chat/completions", apiKey, body("other", "Hello?")), text());
                token = JSON.readTree(reply.body())
                        .path("bellwether")
                        .path(TOKEN)
                        .asText();
            }
            while (!over.get()) {
                long start = System.nanoTime();
                HttpResponse<String> answer =
                        client.send(post(base + "/feedback", token, "{\"kind\":\"thumb\",\"value\":\"up\"}"), text());
                if (answer.statusCode() != 202) {
                    throw new IOException("a judgement was answered with %d".formatted(answer.statusCode()));
                }
                latency.recordValue(System.nanoTime() - start);
                Thread.sleep(50);
            }
            return latency;
        } catch (IOException | InterruptedException e) {
            throw new CompletionException(e);
        }
    }

    private static HttpResponse.BodyHandler<String> text() {
        return HttpResponse.BodyHandlers.ofString();
    }

    private static HttpRequest post(String uri, String bearer, String body) {
        return HttpRequest.newBuilder(URI.create(uri))
                .header("authorization", "Bearer " + bearer)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static <T> T joined(CompletableFuture<T> future) throws IOException {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw new IOException(String.valueOf(e.getCause()), e);
        }
    }

    /**
     * Other bots' chats alone, and while 64 connections send bodies of nearly a megabyte: to a bot that refuses them, and to
     * one whose service takes them, which are then masked and recorded.
     */
    private void largeBodies(int port, Map<String, String> key) throws IOException {
        besideLarge(port, key, "busy", "refused", "other", "Where is my card?");
        besideLarge(port, key, "taking", "taken", "other", "Where is my card?");
        String looked = "Opening hours: Monday to Friday from nine to five. ";
        String question = looked.repeat(LONG_BYTES / looked.length()) + "When are you open?";
        besideLarge(port, key, "taking", "taken", "retrieving", question);
    }

    private void besideLarge(int port, Map<String, String> key, String large, String how, String bot, String question)
            throws IOException {
        LoadGenerator other = new LoadGenerator(port, PATH, key, body(bot, question), TOKEN);
        say("the bot %s alone".formatted(bot));
        List<String> pieces = List.of("x", "<|end", "\\ud83d\\ude42", "4929 1234 ");
        sender(port, key, large, pieces.getFirst()).closedLoop(LARGE_CONNECTIONS, settings.time());
        Result alone = other.closedLoop(4, settings.time());
        for (String piece : pieces) {
            LoadGenerator sender = sender(port, key, large, piece);
            say("the bot %s, beside bodies of '%s' that are %s".formatted(bot, piece, how));
            Duration longer = settings.time().plusSeconds(2);
            CompletableFuture<Result> sending = CompletableFuture.supplyAsync(() -> {
                try {
                    return sender.closedLoop(LARGE_CONNECTIONS, longer);
                } catch (IOException e) {
                    throw new CompletionException(e);
                }
            });
            Result beside = other.closedLoop(4, settings.time());
            Result sent = joined(sending);
            String at = "beside 64 × 1 MB of '%s', %s".formatted(piece, how);
            figures.add(Figure.of("chats of the bot " + bot, at, beside.perSecond(), "1/s")
                    .against("alone", alone.perSecond())
                    .goal("at least half", beside.perSecond() >= .5 * alone.perSecond()));
            figures.add(Figure.of("large bodies answered well", at, sent.perSecond(), "1/s"));
            figures.add(Figure.of(
                    "large bodies refused", at, (sent.bad() + sent.refused()) / (longer.toNanos() / 1e9), "1/s"));
        }
    }

    private static LoadGenerator sender(int port, Map<String, String> key, String bot, String piece) {
        return new LoadGenerator(port, PATH, key, body(bot, piece.repeat(LARGE_BYTES / piece.length())), "");
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
