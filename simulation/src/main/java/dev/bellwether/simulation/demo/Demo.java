package dev.bellwether.simulation.demo;

import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.customer.Population;
import dev.bellwether.simulation.customer.Terminal;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.report.Report;
import dev.bellwether.simulation.report.Reporter;
import dev.bellwether.standalone.Installation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * The loop, closed so many times: customers judge the policy, the trainer refreshes it from their judgements, customers judge
 * the candidate, and the rollout is decided.
 */
final class Demo {
    private static final String BOT = DemoPolicy.BOT;
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration READ_LIMIT = Duration.ofMinutes(1);
    private static final int RETRIES_MAX = 8;
    private static final long INTERACTIONS_MAX = 20_000;
    private static final int QUESTIONS_LEAST = 5;

    /** Stages that take long, of which so many parts are told. */
    private static final Set<String> SLOW = Set.of("distil", "sharpen", "ppo", "rloo", "dpo", "kto", "external");

    private static final int STRETCHES = 12;

    private final Installation installation;
    private final List<Question> questions;
    private final Reporter.Base base;
    private final Optional<Path> ceiling;
    private final Duration refreshLimit;
    private final int refreshes;
    private final Set<String> ended = new HashSet<>();
    private final long seed;
    private final Population population;
    private final Consumer<String> out;
    private final Ledger ledger = new Ledger();
    private final Reporter reporter;
    private final Instant start = Instant.now();
    private long interactions;
    private long conversations;

    /**
     * @param base what learns, as it is before
     * @param ceiling file of the best of 64 of its replies, which are measured in the end; none where they are not
     * @param refreshLimit how long a refresh may take
     * @param refreshes how many there are
     * @param population who comes, the same people in all phases of the demo
     */
    Demo(
            Installation installation,
            List<Question> questions,
            Reporter.Base base,
            Optional<Path> ceiling,
            Duration refreshLimit,
            int refreshes,
            long seed,
            Population population,
            Consumer<String> out) {
        this.installation = installation;
        this.questions = questions;
        this.base = base;
        this.ceiling = ceiling;
        this.refreshLimit = refreshLimit;
        this.refreshes = refreshes;
        this.seed = seed;
        this.population = population;
        this.out = out;
        this.reporter = new Reporter(seed, ledger);
    }

    /** Runs until the last rollout is decided, or the release gate has refused, and measures what came of it. */
    Report run() throws IOException, InterruptedException {
        if (questions.stream().distinct().count() < QUESTIONS_LEAST) {
            out.accept("so few different questions give few comparisons; the refresh may be refused for that");
        }
        try (OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            for (int refresh = 1; refresh <= refreshes; refresh++) {
                round(operator);
            }
            Reporter.Traffic traffic = new Reporter.Traffic(interactions, Duration.between(start, Instant.now()));
            out.accept("measuring what was reached");
            TopicReader reader = new TopicReader(installation.kafka(), READ_LIMIT);
            TopicAudit audit = TopicAudit.of(reader, ledger, PATIENCE);
            Reporter.Service service = new Reporter.Service(
                    BOT, operator, installation.folder().store().resolve(BOT));
            Reporter.Base known = ceiling.isPresent() ? base.withBestOf64(ceiling.get()) : base;
            return reporter.report(traffic, reader, audit, service, known);
        }
    }

    /** Judgements, a refresh, and its rollout. */
    private void round(OperatorClient operator) throws IOException, InterruptedException {
        out.accept("customers ask the policy and judge its replies");
        if (customers(() -> refreshing(operator))) {
            out.accept("enough judgements have come; the trainer refreshes reward model and policy");
        } else {
            out.accept("%d judgements on %d interactions are fewer than a refresh waits for; it is asked for now"
                    .formatted(ledger.feedback(), interactions));
            operator.refresh(BOT);
        }
        long revision = operator.status(BOT).rollout().revision();
        RefreshProgress.Report refreshed = awaitRefresh(operator);
        if (!refreshed.passed()) {
            out.accept("the release gate refused: " + String.join("; ", refreshed.reasons()));
            return;
        }
        out.accept("the candidate passed the release gate; customers meet it in a canary");
        if (customers(() -> decided(operator, revision))) {
            out.accept("decided: %s serves"
                    .formatted(operator.status(BOT).rollout().champion()));
        } else {
            out.accept("%d interactions did not decide the rollout".formatted(INTERACTIONS_MAX));
        }
    }

    /** Lets customers come until {@code enough}; false when so many came without its being so. */
    private boolean customers(BooleanSupplier enough) throws IOException, InterruptedException {
        BellwetherClient client = BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .retriesMax(RETRIES_MAX)
                .build();
        CrowdConfig config = new CrowdConfig(
                INTERACTIONS_MAX, CrowdConfig.CONCURRENCY, seed, conversations, population, Terminal.attached());
        Watch watch = new Watch(enough);
        Crowd crowd = new Crowd(Bot.of(client, BOT), questions, base.measure().satisfaction(), ledger, config);
        Crowd.Outcome outcome = crowd.run(watch);
        interactions += outcome.interactions();
        conversations = outcome.conversations();
        if (outcome.gone()) {
            throw new IOException("the gateway does not answer any more; its log is %s"
                    .formatted(installation.folder().log("gateway")));
        }
        return watch.holds;
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

    private boolean refreshing(OperatorClient operator) {
        return !running(operator).isEmpty();
    }

    /** Refreshes whose end was not seen. */
    private List<RefreshProgress> running(OperatorClient operator) {
        try {
            return operator.refreshes().stream()
                    .filter(progress -> !ended.contains(progress.refreshId()))
                    .toList();
        } catch (IOException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    /** Whether the rollout has gone on since {@code revision}, and nobody is tried any more. */
    private static boolean decided(OperatorClient operator, long revision) {
        try {
            RolloutState state = operator.status(BOT).rollout();
            return state.revision() > revision
                    && state.candidate() == null
                    && state.waiting().isEmpty();
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private RefreshProgress.Report awaitRefresh(OperatorClient operator) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(refreshLimit);
        String said = "";
        int heard = 0;
        while (Instant.now().isBefore(end)) {
            for (RefreshProgress progress : running(operator)) {
                RefreshProgress.Report report = progress.report();
                if (report != null) {
                    ended.add(progress.refreshId());
                    return report;
                }
                String problem = progress.problem();
                String now = problem != null
                        ? "  it failed and is tried again: " + problem
                        : "  %s %.0f %%%s"
                                .formatted(progress.stage(), 100 * progress.fraction(), detail(progress.metrics()));
                int stretch = (int) (STRETCHES * progress.fraction());
                boolean far = SLOW.contains(progress.stage()) ? stretch != heard : progress.fraction() == 1;
                if (!now.equals(said) && (problem != null || far)) {
                    out.accept(now);
                    said = now;
                    heard = stretch;
                }
            }
            Thread.sleep(LOOK);
        }
        throw new IOException("the refresh did not end within %d minutes; the trainer's log is %s"
                .formatted(refreshLimit.toMinutes(), installation.folder().log("trainer")));
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
}
