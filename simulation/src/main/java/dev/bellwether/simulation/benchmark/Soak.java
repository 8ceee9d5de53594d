package dev.bellwether.simulation.benchmark;

import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;

/**
 * A gateway that answers for a long time while versions change and readers leave in the middle of replies: whether what its
 * process holds stays level. The first half warms up; of what is left, the last part is compared with the first.
 */
final class Soak {
    private static final String BOT = "support";
    private static final int VERSIONS = 3;
    private static final int CONNECTIONS = 64;
    private static final double CHATS_PER_SECOND = 40;
    private static final Duration SWAP_EVERY = Duration.ofSeconds(5);
    private static final Duration LEAVE_EVERY = Duration.ofMillis(100);
    private static final Duration COLLECT_EVERY = Duration.ofSeconds(4);
    private static final double MEGABYTE = 1e6;

    private final Path home;
    private final Path scratch;
    private final Duration time;
    private final PrintWriter out;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong left = new AtomicLong();
    private final AtomicLong swapped = new AtomicLong();

    Soak(Path home, Path scratch, Duration time, PrintWriter out) {
        this.home = home;
        this.scratch = scratch;
        this.time = time;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        Files.createDirectories(scratch);
        try (LocalKafka kafka = LocalKafka.start(scratch.resolve("kafka"));
                LocalRedis redis = LocalRedis.start(scratch.resolve("redis"));
                DataFolder folder = prepare();
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(home, folder, kafka.bootstrapServers(), redis.url()),
                        List.of())) {
            List<String> versions = VersionSwaps.prepare(folder, BOT, VERSIONS);
            CompletableFuture<LoadGenerator.Result> chats = async(() -> chats(gateway.port(), folder.apiKey()));
            CompletableFuture<Long> leavers = async(() -> leave(gateway.port(), folder.apiKey()));
            CompletableFuture<Long> swaps =
                    async(() -> swap(versions, kafka.bootstrapServers(), gateway.operatorPort()));
            List<Gauges> gauges = watch(gateway);
            over.set(true);
            LoadGenerator.Result result = joined(chats);
            joined(leavers);
            joined(swaps);
            return report(gauges, result);
        }
    }

    private interface Task<T> {
        T run() throws IOException, InterruptedException;
    }

    private static <T> CompletableFuture<T> async(Task<T> task) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                future.complete(task.run());
            } catch (IOException | InterruptedException | RuntimeException e) {
                future.completeExceptionally(e);
            }
        });
        return future;
    }

    private static <T> T joined(CompletableFuture<T> future) throws IOException {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw new IOException(String.valueOf(e.getCause()), e);
        }
    }

    private DataFolder prepare() throws IOException {
        Path bots = scratch.resolve("wanted.yaml");
        Files.writeString(
                bots,
                "bots:\n  %s: {champion: default, chat: {completion_tokens_max: 48, requests_per_minute: 100000000}}\n"
                        .formatted(BOT));
        DataFolder folder = DataFolder.open(scratch.resolve("data"));
        folder.prepare(home, Optional.of(bots));
        return folder;
    }

    private static String body(boolean stream) {
        return """
                {"model":"%s","user":"mia","stream":%b,"messages":[
                  {"role":"user","content":"My card has not arrived, what should I do now?"}]}
                """.formatted(BOT, stream);
    }

    private LoadGenerator.Result chats(int port, String apiKey) throws IOException {
        LoadGenerator chat = new LoadGenerator(
                port,
                "/v1/chat/completions",
                Map.of("authorization", "Bearer " + apiKey),
                body(false),
                "feedback_token");
        return chat.openLoop(CONNECTIONS, Duration.ZERO, time, CHATS_PER_SECOND);
    }

    /** Asks for streams and hangs up after their first bytes. */
    private long leave(int port, String apiKey) throws IOException, InterruptedException {
        byte[] body = body(true).getBytes(StandardCharsets.UTF_8);
        byte[] head = """
                POST /v1/chat/completions HTTP/1.1\r
                host: 127.0.0.1\r
                authorization: Bearer %s\r
                content-type: application/json\r
                content-length: %d\r
                \r
                """.formatted(apiKey, body.length).getBytes(StandardCharsets.UTF_8);
        while (!over.get()) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.getOutputStream().write(head);
                socket.getOutputStream().write(body);
                socket.setSoTimeout((int) Duration.ofSeconds(30).toMillis());
                if (socket.getInputStream().read(new byte[64]) < 0) {
                    throw new IOException("the gateway closed a stream before its first byte");
                }
                left.incrementAndGet();
            }
            Thread.sleep(LEAVE_EVERY);
        }
        return left.get();
    }

    private long swap(List<String> versions, String kafka, int operatorPort) throws IOException, InterruptedException {
        try (VersionSwaps swaps = new VersionSwaps(BOT, kafka, operatorPort)) {
            while (!over.get()) {
                swaps.swap(versions.get((int) (swapped.getAndIncrement() % versions.size())));
                Thread.sleep(SWAP_EVERY);
            }
        }
        return swapped.get();
    }

    private List<Gauges> watch(LocalGateway gateway) throws IOException, InterruptedException {
        URI metrics = URI.create("http://127.0.0.1:%d/metrics".formatted(gateway.operatorPort()));
        Duration every = Duration.ofMillis(Math.clamp(time.toMillis() / 120, 500, 10_000));
        List<Gauges> gauges = new ArrayList<>();
        long start = System.nanoTime();
        long said = start;
        long collected = start;
        while (System.nanoTime() - start < time.toNanos()) {
            Thread.sleep(every);
            if (System.nanoTime() - collected > COLLECT_EVERY.toNanos()) {
                collected = System.nanoTime();
                collect(gateway.pid());
            }
            gauges.add(Gauges.of(gateway.pid(), metrics));
            if (System.nanoTime() - said > Duration.ofSeconds(15).toNanos()) {
                said = System.nanoTime();
                say(gauges.getLast(), Duration.ofNanos(said - start));
            }
        }
        return gauges;
    }

    /** Has the gateway collect its garbage, so that each part of the time shows what its heap really holds. */
    private void collect(long pid) throws IOException, InterruptedException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(pid),
                        "GC.run")
                .redirectErrorStream(true)
                .redirectOutput(scratch.resolve("jcmd.log").toFile())
                .start();
        if (!jcmd.waitFor(10, TimeUnit.SECONDS)) {
            jcmd.destroyForcibly();
        }
    }

    private void say(Gauges now, Duration passed) {
        out.printf(
                Locale.ROOT,
                "%4d s  resident %.0f MB, heap %.0f MB, direct %.0f MB, %d threads, %d descriptors, %d changes, %d left%n",
                passed.toSeconds(),
                now.resident() / MEGABYTE,
                now.heap() / MEGABYTE,
                now.direct() / MEGABYTE,
                now.threads(),
                now.descriptors(),
                swapped.get(),
                left.get());
        out.flush();
    }

    private BenchmarkReport report(List<Gauges> gauges, LoadGenerator.Result chats) throws IOException {
        List<Figure> figures = new ArrayList<>();
        int size = gauges.size();
        List<Gauges> first = gauges.subList(size / 2, size * 2 / 3);
        List<Gauges> last = gauges.subList(size * 5 / 6, size);
        // The least of each part: garbage, and the moments in which two versions are there, are no leak.
        level(figures, "resident memory", "MB", MEGABYTE, first, last, Gauges::resident, .1);
        level(figures, "heap", "MB", MEGABYTE, first, last, Gauges::heap, .25);
        level(figures, "direct memory", "MB", MEGABYTE, first, last, Gauges::direct, .1);
        level(figures, "threads", "", 1, first, last, Gauges::threads, .1);
        level(figures, "descriptors", "", 1, first, last, Gauges::descriptors, .1);
        String at = "%d minutes".formatted(Math.max(1, time.toMinutes()));
        figures.add(Figure.of("chats answered", at, (double) chats.good(), "requests"));
        figures.add(Figure.of("chats refused", at, (double) chats.refused(), "requests")
                .goal("none", chats.refused() == 0));
        figures.add(Figure.of("chats failed, or not recorded in time", at, (double) chats.bad(), "requests")
                .goal("none", chats.bad() == 0));
        figures.add(Figure.of("changes of version", at, (double) swapped.get(), ""));
        figures.add(Figure.of("streams left in the middle", at, (double) left.get(), ""));
        return new BenchmarkReport(
                "soak serving",
                Machine.describe(),
                figures,
                List.of("the least of the last sixth of the time, against that of the sixth after the first half"));
    }

    private static void level(
            List<Figure> figures,
            String name,
            String unit,
            double scale,
            List<Gauges> first,
            List<Gauges> last,
            ToLongFunction<Gauges> gauge,
            double share) {
        double before = first.stream().mapToLong(gauge).min().orElseThrow() / scale;
        double after = last.stream().mapToLong(gauge).min().orElseThrow() / scale;
        double allowed = before * (1 + share) + (scale == 1 ? 2 : 8);
        figures.add(Figure.of(name, "at the end", after, unit)
                .against("before", before)
                .goal("level (at most %.0f)".formatted(allowed), after <= allowed));
    }
}
