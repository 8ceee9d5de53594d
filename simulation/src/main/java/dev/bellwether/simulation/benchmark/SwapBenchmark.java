package dev.bellwether.simulation.benchmark;

import dev.bellwether.simulation.benchmark.LoadGenerator.Result;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.HdrHistogram.Histogram;

/**
 * A gateway under a steady load whose champion is replaced by a new version again and again, as a rollout does it: whether
 * a request fails, and what the change costs in latency. Everything shares all cores.
 */
final class SwapBenchmark {
    private static final int SWAPS = 100;
    private static final int CONNECTIONS = 256;
    private static final int PEAK_CONNECTIONS = 8;
    private static final double SHARE_OF_PEAK = .3;
    private static final double ADDED_MILLIS_MAX = 50;

    /** From one change's end to the next. */
    private static final Duration PAUSE = Duration.ofMillis(500);

    private static final String BOT = "support";
    private static final String TOKEN = "feedback_token";

    private final GatewayBenchmark.Settings settings;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();

    SwapBenchmark(GatewayBenchmark.Settings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(settings.scratch().resolve("kafka"));
                LocalRedis redis = LocalRedis.start(settings.scratch().resolve("redis"));
                DataFolder folder = prepare();
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(settings.home(), folder, kafka.bootstrapServers(), redis.url()),
                        List.of())) {
            LoadGenerator chat = new LoadGenerator(
                    gateway.port(),
                    "/v1/chat/completions",
                    Map.of("authorization", "Bearer " + folder.apiKey()),
                    "{\"model\":\"%s\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":\"Where is my card?\"}]}"
                            .formatted(BOT),
                    TOKEN);
            say("warming up");
            double rate = SHARE_OF_PEAK
                    * chat.closedLoop(PEAK_CONNECTIONS, settings.time().multipliedBy(2))
                            .perSecond();
            say("%.0f chats a second, without a change".formatted(rate));
            Result steady = chat.openLoop(
                    CONNECTIONS, Duration.ofSeconds(1), settings.time().multipliedBy(2), rate);
            say("the same, %d changes of version".formatted(SWAPS));
            swaps(chat, rate, steady, kafka.bootstrapServers(), gateway.operatorPort());
        }
        return new BenchmarkReport(
                "swap",
                Machine.describe(),
                figures,
                List.of(
                        "half a second lies between a change's end and the next",
                        "the generator shares the cores with the gateway"));
    }

    private DataFolder prepare() throws IOException {
        Files.createDirectories(settings.scratch());
        Path bots = settings.scratch().resolve("wanted.yaml");
        Files.writeString(
                bots,
                "bots:\n  %s: {champion: default, chat: {completion_tokens_max: 32, requests_per_minute: 100000000}}\n"
                        .formatted(BOT));
        DataFolder folder = DataFolder.open(settings.scratch().resolve("data"));
        folder.prepare(settings.home(), Optional.of(bots));
        VersionSwaps.prepare(folder, BOT, SWAPS);
        return folder;
    }

    private void swaps(LoadGenerator chat, double rate, Result steady, String kafka, int operatorPort)
            throws IOException {
        Histogram during = new Histogram(3);
        long failed = 0;
        long good = 0;
        CompletableFuture<Histogram> swapping = CompletableFuture.supplyAsync(() -> swap(kafka, operatorPort));
        while (!swapping.isDone()) {
            Result result = chat.openLoop(CONNECTIONS, Duration.ZERO, settings.time(), rate);
            during.add(result.latency());
            failed += result.bad() + result.refused();
            good += result.good();
        }
        Histogram swaps;
        try {
            swaps = swapping.join();
        } catch (CompletionException e) {
            throw new IOException("a change of version failed", e.getCause());
        }
        String at = "%d changes".formatted(SWAPS);
        figures.add(
                Figure.of("failed requests", at, (double) failed, "requests").goal("none", failed == 0));
        figures.add(Figure.of("answered", at, (double) good, "requests"));
        double p99 = during.getValueAtPercentile(99) / 1e6;
        double before = steady.percentileMillis(99);
        figures.add(Figure.of("p99 of a chat", at, p99, "ms").against("without a change", before));
        figures.add(Figure.of("added p99", at, p99 - before, "ms")
                .goal("below %.0f ms".formatted(ADDED_MILLIS_MAX), p99 - before < ADDED_MILLIS_MAX));
        figures.add(Figure.of("p50 of a chat", at, during.getValueAtPercentile(50) / 1e6, "ms")
                .against("without a change", steady.percentileMillis(50)));
        figures.add(Figure.of("until the new version serves, p50", at, swaps.getValueAtPercentile(50) / 1e6, "ms"));
    }

    /** Announces one version after the other, each once the one before is there; how long each took. */
    private static Histogram swap(String kafka, int operatorPort) {
        Histogram took = new Histogram(3);
        try (VersionSwaps swaps = new VersionSwaps(BOT, kafka, operatorPort)) {
            for (int swap = 0; swap < SWAPS; swap++) {
                took.recordValue(swaps.swap("swap-" + swap).toNanos());
                Thread.sleep(PAUSE);
            }
            return took;
        } catch (IOException | InterruptedException e) {
            throw new CompletionException(e);
        }
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
