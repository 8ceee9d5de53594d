package dev.bellwether.simulation.report;

import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.measurement.TrueSatisfaction.Measurement;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds out what came of a run: from the customers, the topics, the operators' port, and the policies themselves. */
public final class Reporter {
    private final long seed;
    private final Ledger ledger;
    private final Instant start = Instant.now();

    /** A run that begins now. */
    public Reporter(long seed, Ledger ledger) {
        this.seed = seed;
        this.ledger = ledger;
    }

    /** What customers were served, and how long that took. */
    public record Traffic(long interactions, Duration elapsed) {}

    /**
     * A bot of a service on this machine.
     *
     * @param store folder of its versions
     */
    public record Service(String bot, OperatorClient operator, Path store) {}

    /**
     * How the base policy's replies please.
     *
     * @param bestOf64 mean satisfaction with the best of 64 replies, where it was measured
     */
    public record Base(
            Path artefact,
            TrueSatisfaction measure,
            Measurement measurement,
            @Nullable Double bestOf64) {
        /** The same with the best of 64 of its replies, kept in {@code file}. */
        public Base withBestOf64(Path file) throws IOException {
            return new Base(artefact, measure, measurement, measure.bestOf64(artefact, file));
        }

        /** What is found of a version; the base under another name is not measured again. */
        private Measurement of(Path version) {
            return weights(version).equals(weights(artefact)) ? measurement : measure.of(version);
        }

        private static String weights(Path version) {
            return Manifest.read(version).files().getOrDefault("model.safetensors", version.toString());
        }
    }

    /** What customers alone know, and with an audit what the topics know of them. */
    public Report report(Traffic traffic, Optional<TopicAudit> audit) {
        List<Report.Version> versions = audit.stream()
                .flatMap(found -> found.versions().stream())
                .map(each -> new Report.Version(
                        each.version(), null, each.served(), each.up(), each.down(), null, null, null, null))
                .toList();
        return report(traffic, audit, null, versions, null, null, List.of(), List.of());
    }

    /**
     * All there is to know of a run against a service on this machine; every version that these customers met, that the
     * trainer made meanwhile, or that serves now is measured.
     */
    public Report report(Traffic traffic, TopicReader reader, TopicAudit audit, Service service, Base base)
            throws IOException, InterruptedException {
        RolloutState state = service.operator().status(service.bot()).rollout();
        List<RolloutTransition> all = service.operator().history(service.bot());
        List<RolloutTransition> history = all.stream()
                .filter(transition -> transition.time() >= start.toEpochMilli())
                .toList();
        Map<String, RefreshProgress.Report> refreshed = new TreeMap<>();
        for (RefreshProgress progress : service.operator().refreshes()) {
            RefreshProgress.Report report = progress.report();
            boolean meanwhile = progress.time() >= start.toEpochMilli();
            if (report != null && meanwhile && progress.bot().equals(service.bot())) {
                refreshed.put(progress.refreshId(), report);
            }
        }
        Set<String> names = new TreeSet<>(Set.of(state.champion()));
        audit.versions().forEach(each -> names.add(each.version()));
        refreshed.values().stream()
                .flatMap(each -> Optional.ofNullable(each.version()).stream())
                .forEach(names::add);
        Map<String, TopicAudit.Version> served =
                audit.versions().stream().collect(Collectors.toMap(TopicAudit.Version::version, Function.identity()));
        List<Report.Version> versions = new ArrayList<>();
        for (String name : names) {
            TopicAudit.Version counted = served.getOrDefault(name, new TopicAudit.Version(name, 0, 0, 0));
            versions.add(version(service.store().resolve(name), counted, base, phase(name, state, all)));
        }
        Double reached = versions.stream()
                .filter(each -> each.version().equals(state.champion()))
                .map(Report.Version::satisfaction)
                .findFirst()
                .orElse(null);
        return report(
                traffic,
                Optional.of(audit),
                (long) reader.latest(Topics.PREFERENCE_PAIRS).size(),
                versions,
                base,
                reached,
                refreshed.entrySet().stream()
                        .map(each -> refresh(each.getKey(), each.getValue()))
                        .toList(),
                history.stream().map(Reporter::decision).toList());
    }

    private Report report(
            Traffic traffic,
            Optional<TopicAudit> audit,
            @Nullable Long pairs,
            List<Report.Version> versions,
            @Nullable Base base,
            @Nullable Double reached,
            List<Report.Refresh> refreshes,
            List<Report.Decision> decisions) {
        return new Report(
                seed,
                traffic.interactions(),
                given(),
                ledger.kinds(),
                ledger.failures(),
                pairs,
                versions,
                base == null ? null : base.measurement().satisfaction(),
                base == null ? null : base.bestOf64(),
                reached,
                base == null || reached == null ? null : gainShare(base, reached),
                refreshes,
                decisions,
                ledger.feedback(),
                audit.map(TopicAudit::lost).orElse(null),
                audit.map(TopicAudit::duplicated).orElse(null),
                audit.map(TopicAudit::unrated).orElse(null),
                traffic.elapsed().toMillis() / 1e3);
    }

    private long given() {
        return ledger.feedback()
                + ledger.failures().entrySet().stream()
                        .filter(failure -> failure.getKey().startsWith("feedback"))
                        .mapToLong(Map.Entry::getValue)
                        .sum();
    }

    private static @Nullable Double gainShare(Base base, double reached) {
        Double best = base.bestOf64();
        if (best == null) {
            return null;
        }
        double possible = best - base.measurement().satisfaction();
        return (reached - base.measurement().satisfaction()) / Math.max(1e-9, possible);
    }

    private static Report.Version version(Path artefact, TopicAudit.Version counted, Base base, String phase) {
        Optional<Manifest> manifest =
                Files.exists(artefact.resolve(Manifest.FILE)) ? Optional.of(Manifest.read(artefact)) : Optional.empty();
        // Only weights can be sampled here: not an upstream's, which lie elsewhere.
        Optional<Measurement> measured =
                manifest.filter(each -> each.artefactKind().policy()).map(each -> base.of(artefact));
        return new Report.Version(
                counted.version(),
                manifest.map(Manifest::parent).orElse(null),
                counted.served(),
                counted.up(),
                counted.down(),
                measured.map(Measurement::satisfaction).orElse(null),
                measured.map(Measurement::standardError).orElse(null),
                measured.map(Measurement::distinctReplies).orElse(null),
                phase);
    }

    private static String phase(String name, RolloutState state, List<RolloutTransition> history) {
        List<Phase> phases = history.stream()
                .filter(transition -> name.equals(transition.version()))
                .map(RolloutTransition::to)
                .toList();
        if (name.equals(state.champion())) {
            return phases.contains(Phase.PROMOTED) ? "promoted" : "champion";
        }
        if (state.waiting().contains(name)) {
            return "waiting";
        }
        if (name.equals(state.previous()) || phases.contains(Phase.PROMOTED)) {
            return "replaced";
        }
        return phases.isEmpty() ? "refused" : phases.getLast().name().toLowerCase(Locale.ROOT);
    }

    private static Report.Refresh refresh(String id, RefreshProgress.Report report) {
        return new Report.Refresh(
                id,
                report.judgements(),
                report.pairs(),
                finite(report.rewardAccuracy()),
                finite(report.kl()),
                report.seconds(),
                report.passed() ? "passed" : "refused",
                report.reasons());
    }

    private static @Nullable Double finite(double number) {
        return Double.isFinite(number) ? number : null;
    }

    private static Report.Decision decision(RolloutTransition transition) {
        return new Report.Decision(
                Instant.ofEpochMilli(transition.time()).toString(),
                Optional.ofNullable(transition.version()).orElse(""),
                transition.from().name(),
                transition.to().name(),
                transition.candidateShare(),
                transition.why(),
                transition.eValue());
    }
}
