package dev.bellwether.simulation.benchmark;

import dev.bellwether.policy.checkpoint.PolicyStore;
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
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chat through an upstream that answers at once, every interaction recorded durably: processor time, ceiling and added
 * latency, against the upstream alone and a peer. What is measured has core 0 for itself; the upstream, the generator,
 * Kafka and Redis share another.
 */
final class GatewayBenchmark {
    private static final int MEASURED_CORE = 0;
    private static final int OTHER_CORE = 1;
    private static final int CONNECTIONS = 10;
    private static final int CONNECTIONS_MAX = 128;
    private static final int ROUNDS = 3;

    /** In which a latency's connections are accepted. */
    private static final Duration LEAD_IN = Duration.ofSeconds(1);

    /** A JVM on one core compiles for a minute before it is fast. */
    private static final int WARM_UP_WINDOWS_MAX = 15;

    private static final String TOKEN = "feedback_token";
    private static final String TEXT = "working days";

    private final Settings settings;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * What to measure.
     *
     * @param home the project's folder
     * @param peer the recipe of a peer; none to measure against the upstream alone
     * @param time of one measurement
     */
    record Settings(Path home, Path scratch, Optional<Path> peer, Duration time) {}

    GatewayBenchmark(Settings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    /** A server under load: what drives it, and which process pays. */
    private record Subject(String name, LoadGenerator load, long pid) {}

    /** Medians of one subject's rounds. */
    private record Ceiling(double perSecond, double cpuMillis, double utilization) {}

    BenchmarkReport run() throws IOException, InterruptedException {
        boolean pinned = Machine.cores() > 1 && Machine.stayOn(OTHER_CORE);
        if (!pinned) {
            notes.add("processes could not be given cores of their own; everything shared all cores");
        }
        try (LocalKafka kafka = LocalKafka.start(settings.scratch().resolve("kafka"));
                LocalRedis redis = LocalRedis.start(settings.scratch().resolve("redis"))) {
            run(kafka, redis, pinned ? Machine.on(MEASURED_CORE) : List.of());
        }
        return new BenchmarkReport("gateway", Machine.describe(), figures, notes);
    }

    private void run(LocalKafka kafka, LocalRedis redis, List<String> prefix) throws IOException, InterruptedException {
        try (InstantUpstream upstream = new InstantUpstream();
                DataFolder folder = prepare(upstream);
                LocalGateway gateway = LocalGateway.start(
                        new LocalGateway.Surroundings(settings.home(), folder, kafka.bootstrapServers(), redis.url()),
                        prefix)) {
            @Nullable
            PortkeyPeer peer = settings.peer().isEmpty()
                    ? null
                    : PortkeyPeer.start(
                            settings.peer().get(), settings.scratch().resolve("peer"), prefix);
            try {
                List<Subjects> modes = List.of(
                        subjects(false, upstream, folder, gateway, peer),
                        subjects(true, upstream, folder, gateway, peer));
                // All of it first: what is compiled for one mode would run beside the other's measurements.
                for (Subjects mode : modes) {
                    for (Subject subject : mode.all()) {
                        say("warming up %s, %s".formatted(subject.name(), mode.at()));
                        warmUp(subject);
                    }
                }
                for (Subjects mode : modes) {
                    measure(mode);
                }
                figures.add(Figure.of("memory", "after all", Machine.residentBytes(gateway.pid()) / 1e6, "MB"));
            } finally {
                if (peer != null) {
                    peer.close();
                }
            }
        }
    }

    private DataFolder prepare(InstantUpstream upstream) throws IOException {
        Path bots = settings.scratch().resolve("wanted.yaml");
        Files.createDirectories(settings.scratch());
        Files.writeString(bots, "bots: {bench: {champion: v1, chat: {requests_per_minute: 100000000}}}\n");
        DataFolder folder = DataFolder.open(settings.scratch().resolve("data"));
        upstream.publish(new PolicyStore(folder.store()), "bench", "v1");
        folder.prepare(settings.home(), Optional.of(bots));
        return folder;
    }

    private static String body(String model, boolean stream, String more) {
        return "{\"model\":\"%s\",\"user\":\"mia\",\"messages\":[{\"role\":\"user\",\"content\":\"Where is my card?\"}]%s%s}"
                .formatted(model, stream ? ",\"stream\":true" : "", more);
    }

    /** What is compared: without the gateway, through it, through it without a record, and through a peer. */
    private record Subjects(String at, Subject floor, Subject ours, Subject unrecorded, Optional<Subject> peer) {
        List<Subject> all() {
            return Stream.concat(Stream.of(floor, ours, unrecorded), peer.stream())
                    .toList();
        }
    }

    private static Subjects subjects(
            boolean stream,
            InstantUpstream upstream,
            DataFolder folder,
            LocalGateway gateway,
            @Nullable PortkeyPeer peer)
            throws IOException {
        Map<String, String> key = Map.of("authorization", "Bearer " + folder.apiKey());
        String path = "/v1/chat/completions";
        Subject floor = new Subject(
                "upstream alone",
                new LoadGenerator(
                        upstream.port(), path, Map.of(), body("instant", stream, ""), stream ? "[DONE]" : TEXT),
                ProcessHandle.current().pid());
        Subject ours = new Subject(
                "gateway",
                new LoadGenerator(gateway.port(), path, key, body("bench", stream, ""), TOKEN),
                gateway.pid());
        Subject unrecorded = new Subject(
                "recording off",
                new LoadGenerator(
                        gateway.port(), path, key, body("bench", stream, ",\"store\":false"), stream ? "[DONE]" : TEXT),
                gateway.pid());
        Optional<Subject> theirs = peer == null
                ? Optional.empty()
                : Optional.of(new Subject(
                        "portkey",
                        peer.load(upstream.port(), body("instant", stream, ""), stream ? "[DONE]" : TEXT),
                        peer.pid()));
        return new Subjects(stream ? "streaming" : "not streaming", floor, ours, unrecorded, theirs);
    }

    private void measure(Subjects subjects) throws IOException {
        List<Subject> compared = new ArrayList<>(List.of(subjects.floor(), subjects.ours()));
        subjects.peer().ifPresent(compared::add);
        List<Ceiling> ceilings = ceilings(compared, subjects.at());
        report(subjects.at(), ceilings, subjects.peer().isPresent());
        latency(
                subjects.at(),
                List.of(subjects.floor(), subjects.ours(), subjects.unrecorded()),
                ceilings.get(1).perSecond() / 2);
    }

    /** Until a request takes no less processor time than it did, within a twentieth, two windows before. */
    private void warmUp(Subject subject) throws IOException {
        List<Double> windows = new ArrayList<>();
        for (int window = 0; window < WARM_UP_WINDOWS_MAX; window++) {
            windows.add(ceiling(subject).cpuMillis());
            if (window >= 3 && windows.get(window) > .95 * windows.get(window - 2)) {
                return;
            }
        }
    }

    private Ceiling ceiling(Subject subject) throws IOException {
        Duration before = Machine.processorTime(subject.pid());
        LoadGenerator.Result result = subject.load().closedLoop(CONNECTIONS, settings.time());
        double cpu = Machine.processorTime(subject.pid()).minus(before).toNanos() / 1e6;
        long answered = result.good();
        if (result.bad() > 0 || answered == 0) {
            throw new IOException(
                    "%s gave %d bad answers and %d good ones".formatted(subject.name(), result.bad(), answered));
        }
        return new Ceiling(
                result.perSecond(), cpu / answered, cpu / result.took().toMillis());
    }

    private List<Ceiling> ceilings(List<Subject> subjects, String at) throws IOException {
        List<List<Ceiling>> rounds = new ArrayList<>();
        subjects.forEach(_ -> rounds.add(new ArrayList<>()));
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < subjects.size(); i++) {
                Subject subject = subjects.get(i);
                say("%s, %s, round %d of %d".formatted(subject.name(), at, round + 1, ROUNDS));
                rounds.get(i).add(ceiling(subject));
            }
        }
        return rounds.stream().map(GatewayBenchmark::median).toList();
    }

    private static Ceiling median(List<Ceiling> rounds) {
        return rounds.stream()
                .sorted(Comparator.comparingDouble(Ceiling::cpuMillis))
                .toList()
                .get(rounds.size() / 2);
    }

    private void report(String at, List<Ceiling> ceilings, boolean peer) {
        Ceiling ours = ceilings.get(1);
        Figure cpu = Figure.of("processor time a request", at, ours.cpuMillis(), "ms");
        Figure rate = Figure.of("requests on one core", at, ours.perSecond(), "1/s");
        figures.add(Figure.of("upstream alone", at, ceilings.getFirst().perSecond(), "1/s"));
        if (peer) {
            Ceiling theirs = ceilings.get(2);
            double cpuRatio = ours.cpuMillis() / theirs.cpuMillis();
            double rateRatio = ours.perSecond() / theirs.perSecond();
            figures.add(cpu.against("portkey", theirs.cpuMillis()).goal("at most 1/5 of the peer's", cpuRatio <= .2));
            figures.add(
                    rate.against("portkey", theirs.perSecond()).goal("at least 3 times the peer's", rateRatio >= 3));
        } else {
            figures.add(cpu);
            figures.add(rate.against("upstream alone", ceilings.getFirst().perSecond()));
        }
        if (ours.utilization() < .9) {
            notes.add(
                    "%s: the gateway's core was %.0f %% busy at its ceiling; what shares the other core was the bottleneck"
                            .formatted(at, 100 * ours.utilization()));
        }
    }

    /** Added by the gateway at half of its ceiling, every interaction durable before the reply ends; and without. */
    private void latency(String at, List<Subject> subjects, double perSecond) throws IOException {
        List<List<Double>> p99 = new ArrayList<>();
        List<List<Double>> p50 = new ArrayList<>();
        subjects.forEach(_ -> {
            p99.add(new ArrayList<>());
            p50.add(new ArrayList<>());
        });
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < subjects.size(); i++) {
                say("%s at %.0f a second, %s, round %d of %d"
                        .formatted(subjects.get(i).name(), perSecond, at, round + 1, ROUNDS));
                LoadGenerator.Result result =
                        subjects.get(i).load().openLoop(CONNECTIONS_MAX, LEAD_IN, settings.time(), perSecond);
                p99.get(i).add(result.percentileMillis(99));
                p50.get(i).add(result.percentileMillis(50));
            }
        }
        double floor = middle(p99.getFirst());
        String circumstances = at + ", half the ceiling";
        for (int i = 1; i < subjects.size(); i++) {
            boolean recorded = i == 1;
            double added = middle(p99.get(i)) - floor;
            double limit = recorded ? 5 : 1;
            figures.add(Figure.of(recorded ? "added p99" : "added p99, recording off", circumstances, added, "ms")
                    .goal("at most %.0f ms".formatted(limit), added <= limit));
            figures.add(Figure.of(
                    recorded ? "added p50" : "added p50, recording off",
                    circumstances,
                    middle(p50.get(i)) - middle(p50.getFirst()),
                    "ms"));
        }
    }

    static double middle(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
