package dev.bellwether.trainer.refresh;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.external.ExternalTrainingException;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.release.ErrorBudget;
import dev.bellwether.trainer.release.Publication;
import dev.bellwether.trainer.release.ReleaseGate;
import dev.bellwether.trainer.reward.Calibration;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.Yardstick;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One refresh: snapshot → reward model → judge → publication of the reward model → policy → release gate → publication of
 * the candidate. Where an upstream answers, which has no weights, it ends with the reward model.
 *
 * <p>Every stage leaves a file in the refresh's folder; a stage whose file is there is not run again, so a refresh that
 * was cut off goes on where it was.
 */
public final class Refresh {
    /** What guessing finds of people's preferences; a reward model that knows no more is of no use. */
    private static final double CHANCE = .5;

    static final String REPORT = "report.json";

    private final Order order;
    private final RefreshConfig config;
    private final PolicyStore store;
    private final Path directory;
    private final Stages stages;
    private final RefreshListener listener;
    private final Clock clock;

    /**
     * What to refresh.
     *
     * @param version what the candidate will be called
     * @param origin the version that training starts from and stays close to
     * @param champion the version that the candidate must beat
     * @param until where to stop; a refresh that stopped early goes on when it is run again
     * @param level the probability with which the gate may let a candidate through that is no better
     */
    public record Order(String bot, String version, String origin, String champion, Until until, double level) {
        /** The first refresh of a bot. */
        public static Order first(String bot, String version, String origin, String champion, Until until) {
            return new Order(bot, version, origin, champion, until, ErrorBudget.level(List.of()));
        }

        /** What the reward model will be called. */
        String rewardModel() {
            return rewardModel(version);
        }

        /** What the reward model is called of the refresh whose candidate is {@code version}. */
        static String rewardModel(String version) {
            return "reward-" + version;
        }
    }

    /** The last stage to run; only {@code PUBLISH} puts anything into the store. */
    public enum Until {
        REWARD,
        POLICY,
        PUBLISH
    }

    /** How a refresh ended; numbers that it did not come to are NaN. */
    private record Outcome(@Nullable String version, double accuracy, double kl, boolean passed, List<String> reasons) {
        static Outcome without(String reason) {
            return new Outcome(null, Double.NaN, Double.NaN, false, List.of(reason));
        }

        Outcome with(List<String> more) {
            return new Outcome(
                    version,
                    accuracy,
                    kl,
                    passed,
                    Stream.concat(reasons.stream(), more.stream()).toList());
        }
    }

    public Refresh(
            Order order,
            RefreshConfig config,
            PolicyStore store,
            Path directory,
            RefreshListener listener,
            Clock clock) {
        this.order = order;
        this.config = config;
        this.store = store;
        this.directory = directory;
        this.stages = new Stages(directory);
        this.listener = listener;
        this.clock = clock;
    }

    /**
     * Runs the stages that are left, over {@code snapshot} where none was taken yet.
     *
     * @return what came of it; a collapse of training is reported, not thrown
     * @throws dev.bellwether.policy.checkpoint.UnsupportedCheckpointException before any work, where the store cannot
     *     hold what the order calls it
     */
    public Report run(Snapshot snapshot) throws IOException {
        store.path(order.bot(), order.rewardModel());
        Optional<Report> done = report(directory);
        if (done.isPresent()) {
            return done.get();
        }
        Path startFile = directory.resolve("started");
        if (!Files.exists(startFile)) {
            Files.createDirectories(directory);
            Files.writeString(startFile, Long.toString(clock.millis()));
        }
        if (!Snapshot.exists(directory)) {
            snapshot.write(directory);
        }
        Snapshot taken = Snapshot.read(directory);
        Map<String, Double> counts = new HashMap<>(taken.leftOut().counts());
        counts.put("pairs", (double) taken.pairs().size());
        listener.progress("snapshot", 1, counts);
        Report report = report(taken, outcome(taken));
        if (order.until() == Until.PUBLISH) {
            Path unfinished = directory.resolve("report.unfinished");
            Files.writeString(unfinished, EventJson.mapper().writeValueAsString(report));
            Files.move(unfinished, directory.resolve(REPORT), StandardCopyOption.ATOMIC_MOVE);
        }
        return report;
    }

    /** What came of the refresh in {@code folder}; none where it is not at its end. */
    static Optional<Report> report(Path folder) throws IOException {
        Path file = folder.resolve(REPORT);
        return Files.exists(file)
                ? Optional.of(EventJson.mapper().readValue(file.toFile(), Report.class))
                : Optional.empty();
    }

    private Report report(Snapshot snapshot, Outcome outcome) throws IOException {
        long started =
                Long.parseLong(Files.readString(directory.resolve("started")).strip());
        return new Report(
                outcome.version(),
                snapshot.judgements(),
                snapshot.pairs().size(),
                outcome.accuracy(),
                outcome.kl(),
                (clock.millis() - started) / 1e3,
                outcome.passed(),
                Stream.concat(outcome.reasons().stream(), snapshot.leftOut().reasons().stream())
                        .toList());
    }

    private Outcome outcome(Snapshot snapshot) throws IOException {
        boolean direct = config.training().objective() == Objective.DPO && config.external() == null;
        if (direct && snapshot.pairs().size() < config.pairsMin()) {
            return Outcome.without(
                    "too few pairs: %d, and the objective dpo learns from nothing else; pairs_min is %d. `training: {objective: kto}` learns from thumbs, too, ppo and rloo from a reward model of both"
                            .formatted(snapshot.pairs().size(), config.pairsMin()));
        }
        double evidence = snapshot.pairs().size() + RewardConfig.DEFAULT.voteWeight() * snapshot.votes();
        if (evidence < config.pairsMin()) {
            return Outcome.without(
                    "too little to learn from: %d pairs and %.0f thumbs, of which two count as one; pairs_min is %d"
                            .formatted(snapshot.pairs().size(), snapshot.votes(), config.pairsMin()));
        }
        return switch (Start.of(store, order, config)) {
            case Start.Missing(String reason) -> Outcome.without(reason);
            case Start.From start -> train(start, snapshot);
        };
    }

    private Outcome train(Start.From start, Snapshot snapshot) throws IOException {
        Checkpoint origin = store.open(order.bot(), start.version());
        try (Workshop workshop = new Workshop(config, RewardConfig.DEFAULT, origin, snapshot)) {
            return train(start, workshop, snapshot).with(workshop.leftOut());
        } catch (TrainingCollapsedException e) {
            return Outcome.without("training collapsed: " + e.getMessage());
        } catch (ExternalTrainingException e) {
            return Outcome.without("the command that trains failed: " + e.getMessage());
        }
    }

    private Outcome train(Start.From start, Workshop workshop, Snapshot snapshot) throws IOException {
        if (start.candidate() && workshop.prompts().isEmpty()) {
            return Outcome.without(
                    "no prompt leaves room for a reply of %d tokens within %d; lower completion_tokens_max, or raise `training: {sample_tokens_max: …}`"
                            .formatted(config.completionTokensMax(), workshop.tokensMax()));
        }
        Division people = Division.of(workshop.judgements());
        if (people.training().isEmpty()
                || people.heldOut().good().isEmpty()
                || people.judging().good().isEmpty()) {
            return Outcome.without(
                    "too few people judged, or all alike: %s to learn from, %s held out, %s for the judge; each needs comparisons, or thumbs up and down"
                            .formatted(number(people.training()), number(people.heldOut()), number(people.judging())));
        }
        RewardStage stage = new RewardStage(start, workshop, people, stages, listener, config.seed());
        try (RewardModel reward = stage.reward()) {
            Yardstick yardstick = new Yardstick(people.heldOut(), config.seed());
            Calibration calibration = yardstick.calibration(reward);
            Calibration ofHeads = yardstick.calibrationOfHeads(reward);
            double accuracy = calibration.accuracy();
            listener.progress("reward", 1, calibration.metrics());
            if (order.until() == Until.REWARD) {
                return new Outcome(null, accuracy, 0, false, List.of("stopped after the reward model"));
            }
            ReleaseGate gate = new ReleaseGate(config.klBudget(), order.level(), config.seed());
            try (RewardModel judge = stage.judge()) {
                gate.judgeAccuracy(judge, new Yardstick(people.taught(), config.seed()));
            }
            if (!gate.verdict().passed()) {
                return new Outcome(null, accuracy, 0, false, gate.verdict().reasons());
            }
            if (ofHeads.accuracy() > CHANCE && order.until() == Until.PUBLISH) {
                stage.publish(reward, ofHeads, order, store, clock.instant());
            }
            if (!start.candidate()) {
                return rewardAlone(start, accuracy);
            }
            Checkpoint champion = store.open(order.bot(), order.champion());
            PolicyStage policy =
                    new PolicyStage(config, champion, workshop, people, stages, directory, listener, clock);
            try (Weights actor = policy.policy(reward)) {
                if (order.until() == Until.POLICY) {
                    return new Outcome(null, accuracy, Double.NaN, false, List.of("stopped after the policy"));
                }
                Examination.Result result = examined(workshop, stage, people, gate, actor, champion);
                return published(start, workshop, snapshot, actor, result, accuracy, ofHeads.accuracy());
            }
        }
    }

    private static String number(Judgements judgements) {
        return "%d comparisons and %d thumbs"
                .formatted(judgements.comparisons().size(), judgements.votes().size());
    }

    private Outcome rewardAlone(Start.From start, double accuracy) {
        boolean published = order.until() == Until.PUBLISH && accuracy > CHANCE;
        String made = published
                ? "the reward model %s is published; it is right on %.1f %% of the comparisons held out"
                        .formatted(order.rewardModel(), 100 * accuracy)
                : order.until() == Until.PUBLISH ? uselessReward(accuracy) : "stopped after the reward model";
        if (published) {
            listener.progress("publish", 1, Map.of());
        }
        return new Outcome(
                null,
                accuracy,
                Double.NaN,
                published,
                List.of(
                        made,
                        "no candidate is trained: the champion %s is an upstream and has no weights; the reward model starts from %s"
                                .formatted(order.champion(), start.version())));
    }

    private static String uselessReward(double accuracy) {
        return "the reward model is not published: it is right on %.1f %% of the comparisons held out, needed is above %.0f %%"
                .formatted(100 * accuracy, 100 * CHANCE);
    }

    private Examination.Result examined(
            Workshop workshop, RewardStage stage, Division people, ReleaseGate gate, Weights actor, Checkpoint champion)
            throws IOException {
        // What is published is examined: adapters as they are, all weights rounded, as the champion's are.
        try (RewardModel judge = stage.judge();
                Weights candidate = actor.lora().isPresent() ? actor.copy() : actor.rounded();
                Weights weights = Weights.of(champion, actor.device())) {
            return new Examination(workshop, judge, people, gate, config.seed() + 2).of(candidate, weights);
        }
    }

    private Outcome published(
            Start.From start,
            Workshop workshop,
            Snapshot snapshot,
            Weights actor,
            Examination.Result result,
            double accuracy,
            double accuracyOfHeads)
            throws IOException {
        ReleaseGate.Verdict verdict = result.verdict();
        listener.progress("gate", 1, verdict.numbers());
        List<String> reasons = new ArrayList<>(verdict.reasons());
        if (!(accuracyOfHeads > CHANCE)) {
            reasons.add(uselessReward(accuracyOfHeads));
        }
        Outcome outcome = new Outcome(order.version(), accuracy, result.kl(), verdict.passed(), reasons);
        publish(start, workshop, actor, result, report(snapshot, outcome));
        return outcome;
    }

    private void publish(Start.From start, Workshop workshop, Weights actor, Examination.Result result, Report report)
            throws IOException {
        ObjectNode about = EventJson.mapper().createObjectNode();
        about.set("report", EventJson.mapper().valueToTree(report));
        about.set("gate", EventJson.mapper().valueToTree(result.verdict().numbers()));
        boolean adapters = actor.lora().isPresent()
                && store.manifest(order.bot(), start.version()).artefactKind() == ArtefactKind.CHECKPOINT;
        ArtefactLabel label = new ArtefactLabel(
                order.bot(),
                order.version(),
                adapters ? ArtefactKind.ADAPTER : ArtefactKind.CHECKPOINT,
                start.version(),
                adapters ? start.version() : null,
                clock.instant(),
                about,
                null);
        Path origin = workshop.origin().directory();
        Publication publication = new Publication(store);
        if (adapters) {
            publication.publishAdapters(label, workshop.policy(), actor, origin, workshop.people());
        } else {
            publication.publish(label, workshop.policy(), actor, origin, workshop.people());
        }
        listener.progress("publish", 1, Map.of());
    }
}
