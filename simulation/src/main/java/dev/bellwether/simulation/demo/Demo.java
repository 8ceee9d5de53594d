package dev.bellwether.simulation.demo;

import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.customer.Terminal;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.measurement.TrueSatisfaction.Measurement;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.standalone.Installation;
import dev.bellwether.topic.Topics;
import java.io.IOException;
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
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The loop, closed once: customers judge the default policy, the trainer refreshes it from their judgements, customers
 * judge the candidate, and the rollout is decided.
 */
final class Demo {
    private static final String BOT = "support";
    private static final String BASE = "default";
    private static final Duration REFRESH_LIMIT = Duration.ofMinutes(30);
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration READ_LIMIT = Duration.ofMinutes(1);
    private static final int RETRIES_MAX = 8;
    private static final long INTERACTIONS_MAX = 20_000;

    private final Installation installation;
    private final List<Question> questions;
    private final TrueSatisfaction measure;
    private final long seed;
    private final Consumer<String> out;
    private final Ledger ledger = new Ledger();
    private final Instant start = Instant.now();
    private long interactions;

    Demo(
            Installation installation,
            List<Question> questions,
            TrueSatisfaction measure,
            long seed,
            Consumer<String> out) {
        this.installation = installation;
        this.questions = questions;
        this.measure = measure;
        this.seed = seed;
        this.out = out;
    }

    /** Runs until the rollout is decided, or the release gate has refused, and measures what came of it. */
    DemoReport run(double bestOf64) throws IOException, InterruptedException {
        try (OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            Measurement base = measure.of(artefact(BASE));
            out.accept("customers ask the default policy and judge its replies");
            customers(() -> refreshing(operator));
            out.accept("enough judgements have come; the trainer refreshes reward model and policy");
            RefreshProgress.Report report = awaitRefresh(operator);
            if (report.passed()) {
                out.accept("the candidate passed the release gate; customers meet it in a canary");
                customers(() -> decided(operator));
            } else {
                out.accept("the release gate refused: " + String.join("; ", report.reasons()));
            }
            return report(operator, base, bestOf64);
        }
    }

    private Path artefact(String version) {
        return installation.folder().store().resolve(BOT).resolve(version);
    }

    /** Lets customers come until {@code enough}. */
    private void customers(BooleanSupplier enough) throws InterruptedException {
        BellwetherClient client = BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .retriesMax(RETRIES_MAX)
                .build();
        CrowdConfig config = new CrowdConfig(
                Math.max(1, INTERACTIONS_MAX - interactions),
                CrowdConfig.CONCURRENCY,
                seed + interactions,
                Terminal.attached());
        Watch watch = new Watch(enough);
        Crowd crowd = new Crowd(Bot.of(client, BOT), questions, measure.satisfaction(), ledger, config);
        interactions += crowd.run(watch).interactions();
    }

    /** Asks a condition twice a second at most, however often it is asked itself. */
    private static final class Watch implements BooleanSupplier {
        private final BooleanSupplier condition;
        private long lookedAt = System.nanoTime();
        private boolean holds;

        private Watch(BooleanSupplier condition) {
            this.condition = condition;
        }

        @Override
        public synchronized boolean getAsBoolean() {
            if (!holds && System.nanoTime() - lookedAt > LOOK.toNanos()) {
                holds = condition.getAsBoolean();
                lookedAt = System.nanoTime();
            }
            return holds;
        }
    }

    private static boolean refreshing(OperatorClient operator) {
        return !refreshes(operator).isEmpty();
    }

    private static List<RefreshProgress> refreshes(OperatorClient operator) {
        try {
            return operator.refreshes();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    private static boolean decided(OperatorClient operator) {
        try {
            RolloutState state = operator.status(BOT).rollout();
            return state.revision() > 0 && state.candidate() == null;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private RefreshProgress.Report awaitRefresh(OperatorClient operator) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(REFRESH_LIMIT);
        String said = "";
        while (Instant.now().isBefore(end)) {
            for (RefreshProgress progress : refreshes(operator)) {
                RefreshProgress.Report report = progress.report();
                if (report != null) {
                    return report;
                }
                String now = "  %s %.0f %%%s"
                        .formatted(progress.stage(), 100 * progress.fraction(), detail(progress.metrics()));
                if (!now.equals(said)
                        && (progress.fraction() == 1 || progress.stage().equals("ppo"))) {
                    out.accept(now);
                    said = now;
                }
            }
            Thread.sleep(LOOK);
        }
        throw new IOException("the refresh did not end within %d minutes; the trainer's log is %s"
                .formatted(REFRESH_LIMIT.toMinutes(), installation.folder().log("trainer")));
    }

    private static String detail(Map<String, Double> metrics) {
        Double score = metrics.get("objective/scores");
        Double kl = metrics.get("objective/kl");
        Double accuracy = metrics.get("accuracy");
        if (score != null && kl != null) {
            return ", score %.2f, KL %.2f".formatted(score, kl);
        }
        return accuracy == null ? "" : ", accuracy %.2f".formatted(accuracy);
    }

    private DemoReport report(OperatorClient operator, Measurement base, double bestOf64)
            throws IOException, InterruptedException {
        TopicReader reader = new TopicReader(installation.kafka(), READ_LIMIT);
        TopicAudit audit = TopicAudit.of(reader, ledger, PATIENCE);
        RolloutState state = operator.status(BOT).rollout();
        List<RolloutTransition> history = operator.history(BOT);
        List<DemoReport.Refresh> refreshes = new ArrayList<>();
        Set<String> names = new TreeSet<>();
        names.add(BASE);
        for (RefreshProgress progress : operator.refreshes()) {
            RefreshProgress.Report report = progress.report();
            if (report != null) {
                refreshes.add(DemoReport.Refresh.of(progress, report));
                Optional.ofNullable(report.version()).ifPresent(names::add);
            }
        }
        Map<String, Measurement> measured = new TreeMap<>();
        List<DemoReport.Version> versions = new ArrayList<>();
        for (String name : names) {
            Measurement measurement = name.equals(BASE) ? base : measure.of(artefact(name));
            measured.put(name, measurement);
            versions.add(version(name, measurement, audit, state, history));
        }
        double reached =
                Optional.ofNullable(measured.get(state.champion())).orElse(base).satisfaction();
        Map<String, PreferencePair> pairs = reader.latest(Topics.PREFERENCE_PAIRS);
        return new DemoReport(
                seed,
                interactions,
                ledger.feedback(),
                pairs.size(),
                versions,
                base.satisfaction(),
                bestOf64,
                reached,
                (reached - base.satisfaction()) / Math.max(1e-9, bestOf64 - base.satisfaction()),
                refreshes,
                history.stream().map(DemoReport.Decision::of).toList(),
                audit.acknowledged(),
                audit.lost(),
                audit.duplicated(),
                Duration.between(start, Instant.now()).toMillis() / 1e3);
    }

    private DemoReport.Version version(
            String name,
            Measurement measurement,
            TopicAudit audit,
            RolloutState state,
            List<RolloutTransition> history) {
        TopicAudit.Version counted = audit.versions().stream()
                .filter(each -> each.version().equals(name))
                .findFirst()
                .orElse(new TopicAudit.Version(name, 0, 0, 0));
        String last = history.stream()
                .filter(transition -> name.equals(transition.version()))
                .map(transition -> transition.to().name().toLowerCase(Locale.ROOT))
                .reduce((first, second) -> second)
                .orElse(name.equals(BASE) ? "first" : "refused");
        return new DemoReport.Version(
                name,
                Manifest.read(artefact(name)).parent(),
                counted.served(),
                counted.up(),
                counted.down(),
                measurement.satisfaction(),
                measurement.distinctReplies(),
                name.equals(state.champion()) ? "champion" : last);
    }
}
