package dev.bellwether.simulation.benchmark;

import dev.bellwether.simulation.file.Folder;
import dev.bellwether.standalone.ChildProcess;
import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalStream;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * One instance of the feedback stream: events a second, beside a bare loop with the same guarantees, with empty stores and
 * with full ones; and how long it takes to be ready again. Each rate is that of a new process over the second half of a
 * backlog.
 */
final class StreamBenchmark {
    static final long INTERACTIONS_MIN = 20_000;

    /** A backlog is this many interactions with their judgements, or as many as the stores hold if that is less. */
    private static final long BACKLOG_MAX = 300_000;

    private static final int PER_PROMPT = 10;
    private static final int REPETITIONS = 3;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    /** Until then a process starts, and its compilers share the cores with it. */
    private static final double WARM_UP = .5;

    private static final Duration LIMIT = Duration.ofMinutes(40);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration QUIET = Duration.ofSeconds(10);

    private final Path home;
    private final Path scratch;
    private final long interactions;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();

    StreamBenchmark(Path home, Path scratch, long interactions, PrintWriter out) {
        this.home = home;
        this.scratch = scratch;
        this.interactions = interactions;
        this.out = out;
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        try (LocalKafka kafka = LocalKafka.start(scratch.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                DataFolder folder = prepare();
                StreamTraffic traffic =
                        new StreamTraffic(kafka.bootstrapServers(), (int) (interactions / PER_PROMPT))) {
            Topics.ensure(admin, Layout.DEFAULT);
            create(admin);
            measure(new Brokers(kafka.bootstrapServers(), admin), folder, traffic);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("Kafka does not answer: " + e.getMessage(), e);
        }
        return new BenchmarkReport(
                "stream",
                Machine.describe(),
                figures,
                List.of(
                        "broker and stream share all cores; rates are of the second half of what a new process works off"));
    }

    private record Brokers(String address, Admin admin) {}

    private DataFolder prepare() throws IOException {
        Path bots = scratch.resolve("wanted.yaml");
        Files.writeString(bots, "bots:\n  support: {champion: default}\n");
        DataFolder folder = DataFolder.open(scratch.resolve("data"));
        folder.prepare(home, Optional.of(bots));
        return folder;
    }

    private static void create(Admin admin) throws InterruptedException, ExecutionException, TimeoutException {
        NewTopic topic = new NewTopic(BareLoop.TOPIC, Layout.DEFAULT.partitions(), Layout.DEFAULT.replication());
        admin.createTopics(List.of(topic)).all().get(30, TimeUnit.SECONDS);
    }

    private void measure(Brokers kafka, DataFolder folder, StreamTraffic traffic)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        long backlog = Math.min(BACKLOG_MAX, interactions / 4);
        List<Double> bare = new ArrayList<>();
        List<Double> empty = new ArrayList<>();
        for (int i = 0; i < REPETITIONS; i++) {
            say("backlog %d of %d, stores about empty".formatted(i + 1, REPETITIONS));
            long records = traffic.write(backlog);
            bare.add(bareRate(kafka, records));
            empty.add(streamRate(kafka, folder, records));
            say("%.0f events a second, the bare loop %.0f".formatted(empty.getLast(), bare.getLast()));
        }
        double floor = GatewayBenchmark.middle(bare);
        double rate = GatewayBenchmark.middle(empty);
        figures.add(Figure.of("events a second", "stores about empty", rate, "1/s")
                .against("bare loop", floor)
                .goal("at least .5 of the bare loop", rate >= .5 * floor));
        fill(kafka, folder, traffic, interactions - REPETITIONS * backlog);
        List<Double> full = new ArrayList<>();
        for (int i = 0; i < REPETITIONS; i++) {
            say("backlog %d of %d, stores full".formatted(i + 1, REPETITIONS));
            full.add(streamRate(kafka, folder, traffic.write(backlog)));
            say("%.0f events a second".formatted(full.getLast()));
        }
        double filled = GatewayBenchmark.middle(full);
        figures.add(Figure.of("events a second", "%d interactions in stores".formatted(interactions), filled, "1/s")
                .against("with empty stores", rate)
                .goal("within 20 % of it", filled >= .8 * rate));
        restarts(kafka, folder);
    }

    private double bareRate(Brokers kafka, long records)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        List<String> command = List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                BareLoop.class.getName(),
                kafka.address(),
                Integer.toString(THREADS));
        try (ChildProcess _ =
                ChildProcess.start("bare loop", command, Map.of(), scratch, scratch.resolve("bare.log"))) {
            return awaitDone(kafka.admin(), BareLoop.GROUP, records);
        }
    }

    private double streamRate(Brokers kafka, DataFolder folder, long records)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        try (LocalStream _ = LocalStream.start(home, folder, kafka.address(), LIMIT)) {
            return awaitDone(kafka.admin(), Backlog.STREAM, records);
        }
    }

    private void fill(Brokers kafka, DataFolder folder, StreamTraffic traffic, long left)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        try (LocalStream _ = LocalStream.start(home, folder, kafka.address(), LIMIT)) {
            for (long done = 0; done < left; done += BACKLOG_MAX) {
                say("filling the stores: %d of %d".formatted(done, left));
                long records = traffic.write(Math.min(BACKLOG_MAX, left - done));
                awaitDone(kafka.admin(), Backlog.STREAM, records);
            }
        }
    }

    /** Ready again after a stop, after a crash (whose state is not to be trusted), and without its folder. */
    private void restarts(Brokers kafka, DataFolder folder) throws IOException, InterruptedException {
        say("restarting");
        double stopped = readyAfter(kafka, folder, "after a stop");
        figures.add(Figure.of("ready again", "after a stop", stopped, "s"));
        try (LocalStream stream = LocalStream.start(home, folder, kafka.address(), LIMIT)) {
            stream.kill();
        }
        figures.add(Figure.of("ready again", "after kill -9", readyAfter(kafka, folder, "after kill -9"), "s"));
        Folder.delete(folder.service(Backlog.STREAM));
        double restored = readyAfter(kafka, folder, "without its folder");
        figures.add(Figure.of("ready again", "its folder gone", restored, "s"));
        figures.add(
                Figure.of("restore time", "each million interactions", (restored - stopped) * 1e6 / interactions, "s"));
    }

    /** Also how busy the process is once it is ready and nothing comes. */
    private double readyAfter(Brokers kafka, DataFolder folder, String how) throws InterruptedException {
        long start = System.nanoTime();
        try (LocalStream stream = LocalStream.start(home, folder, kafka.address(), LIMIT)) {
            double seconds = (System.nanoTime() - start) / 1e9;
            Duration before = processorTime(stream.pid());
            Thread.sleep(QUIET);
            double busy = processorTime(stream.pid()).minus(before).toMillis() / (double) QUIET.toMillis();
            figures.add(Figure.of("cores busy in the 10 s after", how, busy, "cores")
                    .goal("no sweep: at most .5", busy <= .5));
            return seconds;
        }
    }

    private static Duration processorTime(long pid) {
        return ProcessHandle.of(pid)
                .flatMap(process -> process.info().totalCpuDuration())
                .orElse(Duration.ZERO);
    }

    /** Waits until a group has worked off its backlog, also what it sent to itself; its rate after the first of it. */
    private static double awaitDone(Admin admin, String group, long records)
            throws IOException, InterruptedException, ExecutionException, TimeoutException {
        long start = System.nanoTime();
        long warmNanos = 0;
        long warmLeft = 0;
        while (true) {
            Backlog backlog = Backlog.of(admin, group);
            long left = backlog.inputs();
            if (warmNanos == 0 && left <= (1 - WARM_UP) * records) {
                warmNanos = System.nanoTime();
                warmLeft = left;
            }
            if (backlog.workedOff() && warmNanos != 0) {
                return warmLeft / Math.max(1e-3, (System.nanoTime() - warmNanos) / 1e9);
            }
            if (System.nanoTime() - start > LIMIT.toNanos()) {
                throw new IOException("%s did not work off %d records in %s".formatted(group, records, LIMIT));
            }
            Thread.sleep(POLL);
        }
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
