package dev.bellwether.trainer.refresh;

import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.metrics.TensorBoard;
import dev.bellwether.trainer.model.Constants;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.TrainingCollapsedException;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.ppo.Ppo;
import dev.bellwether.trainer.ppo.PpoConfig;
import dev.bellwether.trainer.ppo.Rollouts;
import dev.bellwether.trainer.ppo.Rollouts.Rollout;
import dev.bellwether.trainer.refresh.Stages.Saved;
import dev.bellwether.trainer.release.Publication;
import dev.bellwether.trainer.release.ReleaseGate;
import dev.bellwether.trainer.reward.Mismatches;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.RewardTraining;
import dev.bellwether.trainer.sft.SftConfig;
import dev.bellwether.trainer.sft.SupervisedFineTuning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One refresh: snapshot → reward model → judge → PPO → release gate → publication.
 *
 * <p>Every stage leaves a file in the refresh's folder; a stage whose file is there is not run again, so a refresh that
 * was cut off goes on where it was.
 */
public final class Refresh {
    private static final double JUDGE_SHARE = .3;
    private static final double HELD_OUT = .1;
    private static final int CALIBRATION_REPLIES = 256;
    private static final int GATE_PROMPTS = 200;
    private static final int GOLDEN_CASES = 4;
    private static final int SAMPLE_TOKENS_MAX = 256;

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
     */
    public record Order(String bot, String version, String origin, String champion, Until until) {}

    /** The last stage to run. */
    public enum Until {
        REWARD,
        PPO,
        PUBLISH
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

    /** Everything that the stages share. */
    private final class Workshop implements AutoCloseable {
        private final NDManager manager = NDManager.newBaseManager();
        private final Constants constants = new Constants(manager);
        private final Checkpoint origin = store.open(order.bot(), order.origin());
        private final CheckpointConfig policy = origin.config();
        private final float[] originWeights = origin.parameters();
        private final Rollouts rollouts = new Rollouts(policy, directory.resolve("rollouts"));
        private final RewardConfig reward = RewardConfig.DEFAULT;
        private final CheckpointConfig rewardConfig = policy.asRewardModel(reward.heads(), Pooling.MEAN);
        private final List<Comparison> comparisons;
        private final List<Vote> votes;
        private final List<int[]> prompts;

        private Workshop(Snapshot snapshot) {
            try (PolicyTokenizer tokenizer = PolicyTokenizer.open(origin.directory())) {
                Snapshot.Tokens tokens =
                        snapshot.new Tokens(tokenizer, policy.endTokens().getFirst(), SAMPLE_TOKENS_MAX);
                comparisons = tokens.comparisons();
                votes = tokens.votes();
                prompts = tokens.prompts();
            }
        }

        private RewardModel model(Parameters.State state) {
            return new RewardModel(manager, rewardConfig, constants, state, reward.batchTokens());
        }

        @Override
        public void close() {
            constants.close();
            manager.close();
        }
    }

    /**
     * Runs the stages that are left, over {@code snapshot} where none was taken yet.
     *
     * @return what came of it; a collapse of training is reported, not thrown
     */
    public Report run(Snapshot snapshot) throws IOException {
        Path reportFile = directory.resolve("report.json");
        if (Files.exists(reportFile)) {
            return EventJson.mapper().readValue(reportFile.toFile(), Report.class);
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
        listener.progress("snapshot", 1, Map.of("pairs", (double) taken.pairs().size()));
        Report report;
        if (taken.pairs().size() < config.pairsMin()) {
            report = report(
                    taken,
                    null,
                    Double.NaN,
                    Double.NaN,
                    false,
                    List.of("too few pairs: %d, needed are %d"
                            .formatted(taken.pairs().size(), config.pairsMin())));
        } else {
            try (Workshop workshop = new Workshop(taken)) {
                report = train(workshop, taken);
            } catch (TrainingCollapsedException e) {
                report = report(
                        taken, null, Double.NaN, Double.NaN, false, List.of("training collapsed: " + e.getMessage()));
            }
        }
        if (order.until() != Until.PUBLISH) {
            return report;
        }
        Path unfinished = directory.resolve("report.unfinished");
        Files.writeString(unfinished, EventJson.mapper().writeValueAsString(report));
        Files.move(unfinished, reportFile, StandardCopyOption.ATOMIC_MOVE);
        return report;
    }

    private Report report(
            Snapshot snapshot,
            @Nullable String version,
            double accuracy,
            double kl,
            boolean passed,
            List<String> reasons)
            throws IOException {
        long started =
                Long.parseLong(Files.readString(directory.resolve("started")).strip());
        return new Report(
                version,
                snapshot.judgements(),
                snapshot.pairs().size(),
                accuracy,
                kl,
                (clock.millis() - started) / 1e3,
                passed,
                reasons);
    }

    /** Whether a person's judgements train the judge rather than the reward model. */
    private static boolean judges(String person) {
        return Math.floorMod(new Random(person.hashCode()).nextInt(), 1_000) < 1_000 * JUDGE_SHARE;
    }

    private Report train(Workshop workshop, Snapshot snapshot) throws IOException {
        List<Comparison> trained = filter(workshop.comparisons, Comparison::judge, person -> !judges(person));
        List<Comparison> judged = filter(workshop.comparisons, Comparison::judge, Refresh::judges);
        List<Vote> trainedVotes = filter(workshop.votes, Vote::judge, person -> !judges(person));
        List<Vote> judgedVotes = filter(workshop.votes, Vote::judge, Refresh::judges);
        List<Comparison> byTime = trained.stream()
                .sorted(Comparator.comparingLong(Comparison::time))
                .toList();
        int cut = (int) Math.floor(byTime.size() * (1 - HELD_OUT));
        List<Comparison> heldOut = byTime.subList(cut, byTime.size());
        List<Comparison> early = byTime.subList(0, cut).stream()
                .filter(each ->
                        heldOut.stream().noneMatch(other -> other.judge().equals(each.judge())))
                .toList();
        try (RewardModel reward = rewardModel(workshop, "reward", early, trainedVotes, config.seed());
                RewardModel judge = rewardModel(workshop, "judge", judged, judgedVotes, config.seed() + 1)) {
            double accuracy = RewardTraining.accuracy(reward, heldOut);
            listener.progress("reward", 1, Map.of("accuracy", accuracy));
            if (order.until() == Until.REWARD) {
                return report(snapshot, null, accuracy, 0, false, List.of("stopped after the reward model"));
            }
            ReleaseGate gate = new ReleaseGate(config.klBudget(), config.seed()).judgeAccuracy(judge, trained);
            if (!gate.verdict().passed()) {
                return report(snapshot, null, accuracy, 0, false, gate.verdict().reasons());
            }
            PpoResult ppo = ppo(workshop, reward);
            if (order.until() == Until.PPO) {
                return report(snapshot, null, accuracy, ppo.kl(), false, List.of("stopped after PPO"));
            }
            return release(workshop, snapshot, gate, judge, ppo, judged, accuracy);
        }
    }

    private static <T> List<T> filter(List<T> all, Function<T, String> person, Predicate<String> wanted) {
        return all.stream().filter(each -> wanted.test(person.apply(each))).toList();
    }

    private RewardModel rewardModel(
            Workshop workshop, String name, List<Comparison> comparisons, List<Vote> votes, long seed)
            throws IOException {
        int heads = workshop.reward.heads();
        Optional<Saved> saved = stages.load(name);
        if (saved.isPresent()) {
            float[] weights = saved.get().numbers();
            RewardModel model = workshop.model(
                    new Parameters.State(weights, new float[weights.length], new float[weights.length], 0));
            model.scale(new RewardModel.Scale(saved.get().more()[0], saved.get().more()[1]));
            return model;
        }
        float[] initial = RewardModel.fromPolicy(workshop.policy, workshop.originWeights, heads, Pooling.MEAN, seed);
        RewardModel model =
                workshop.model(new Parameters.State(initial, new float[initial.length], new float[initial.length], 0));
        List<Sample> served = new ArrayList<>();
        comparisons.forEach(each -> served.addAll(List.of(each.chosen(), each.rejected())));
        votes.forEach(vote -> served.add(vote.reply()));
        List<Comparison> all = new ArrayList<>(comparisons);
        all.addAll(Mismatches.of(served, (int) (workshop.reward.mismatches() * comparisons.size()), seed));
        new RewardTraining(workshop.manager, model, workshop.reward, seed)
                .train(
                        all,
                        votes,
                        (step, steps) -> listener.progress(name, step / (double) steps, Map.of("step", (double) step)));
        List<int[]> prompts = draw(workshop.prompts, CALIBRATION_REPLIES, seed);
        model.calibrate(workshop.rollouts.sample(workshop.originWeights, prompts, sampling(seed)).stream()
                .map(Rollout::sample)
                .toList());
        stages.save(name, model.weights(), model.scale().mean(), model.scale().deviation());
        return model;
    }

    private Sampling sampling(long seed) {
        return Sampling.at(config.temperature(), config.completionTokensMax(), seed);
    }

    private static List<int[]> draw(List<int[]> prompts, int count, long seed) {
        Random random = new Random(seed);
        List<int[]> drawn = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            drawn.add(prompts.get(random.nextInt(prompts.size())));
        }
        return drawn;
    }

    private record PpoResult(float[] weights, double kl) {}

    private PpoResult ppo(Workshop workshop, RewardModel reward) throws IOException {
        Optional<Saved> done = stages.load("actor");
        if (done.isPresent()) {
            return new PpoResult(done.get().numbers(), done.get().more()[0]);
        }
        PpoConfig settings = settings();
        float[] criticWeights =
                Ppo.criticWeights(reward.weights(), reward.heads(), workshop.policy.hiddenSize(), reward.scale());
        Ppo.State start =
                stages.loadPpo().orElse(new Ppo.State(fresh(workshop.originWeights), fresh(criticWeights), 0));
        double kl = 0;
        try (Ppo ppo = new Ppo(
                        workshop.manager,
                        workshop.policy,
                        workshop.policy.asRewardModel(1, Pooling.LAST),
                        workshop.constants,
                        workshop.originWeights,
                        reward,
                        workshop.rollouts,
                        workshop.prompts,
                        settings,
                        start,
                        config.seed());
                TensorBoard board = new TensorBoard(directory.resolve("tensorboard"), clock)) {
            for (int step = start.step(); step < settings.steps(); step++) {
                Map<String, Double> metrics = ppo.step(step);
                kl = metrics.getOrDefault("objective/kl", 0.0);
                board.scalars(step, metrics);
                stages.savePpo(ppo.state(step + 1));
                listener.progress("ppo", (step + 1.0) / settings.steps(), metrics);
                if (kl > settings.klStop()) {
                    break;
                }
            }
            stages.save("actor", ppo.weights(), kl);
            return new PpoResult(ppo.weights(), kl);
        }
    }

    private static Parameters.State fresh(float[] weights) {
        return new Parameters.State(weights, new float[weights.length], new float[weights.length], 0);
    }

    private PpoConfig settings() {
        PpoConfig base = PpoConfig.DEFAULT;
        return new PpoConfig(
                config.steps(),
                base.rollouts(),
                base.epochs(),
                base.learningRate(),
                base.warmupSteps(),
                base.lastLearningRate(),
                base.klPenalty(),
                base.uncertaintyPenalty(),
                base.klStop(),
                base.clip(),
                base.valueClip(),
                base.gamma(),
                base.lambda(),
                base.scoreMax(),
                base.missingEndPenalty(),
                config.temperature(),
                config.completionTokensMax(),
                base.batchTokens());
    }

    private Report release(
            Workshop workshop,
            Snapshot snapshot,
            ReleaseGate gate,
            RewardModel judge,
            PpoResult ppo,
            List<Comparison> judged,
            double accuracy)
            throws IOException {
        Checkpoint champion = store.open(order.bot(), order.champion());
        List<int[]> prompts = draw(workshop.prompts, GATE_PROMPTS, config.seed() + 2);
        List<Rollout> ours = workshop.rollouts.sample(ppo.weights(), prompts, sampling(config.seed() + 3));
        List<Rollout> theirs = workshop.rollouts.sample(champion.parameters(), prompts, sampling(config.seed() + 4));
        List<Sample> good = goodReplies(judge, judged);
        gate.winRate(judge, ours, theirs)
                .divergence(ppo.kl())
                .length(ours, workshop.comparisons)
                .repetition(ours, workshop.comparisons)
                .perplexity(
                        perplexity(workshop, ppo.weights(), good), perplexity(workshop, champion.parameters(), good));
        ReleaseGate.Verdict verdict = gate.verdict();
        listener.progress("gate", 1, verdict.numbers());
        Report report = report(snapshot, order.version(), accuracy, ppo.kl(), verdict.passed(), verdict.reasons());
        ObjectNode about = EventJson.mapper().createObjectNode();
        about.set("report", EventJson.mapper().valueToTree(report));
        about.set("gate", EventJson.mapper().valueToTree(verdict.numbers()));
        new Publication(store, workshop.manager)
                .publish(
                        new Publication.Label(order.bot(), order.version(), order.origin(), clock.instant(), about),
                        workshop.policy,
                        ppo.weights(),
                        workshop.origin.directory(),
                        ours.stream()
                                .filter(Rollout::ended)
                                .limit(GOLDEN_CASES)
                                .map(Rollout::sample)
                                .toList());
        listener.progress("publish", 1, Map.of());
        return report;
    }

    /** Replies that people preferred and that the judge finds better than most; none of them trained the policy. */
    private static List<Sample> goodReplies(RewardModel judge, List<Comparison> judged) {
        List<Sample> preferred = judged.stream().map(Comparison::chosen).toList();
        List<RewardModel.Score> scores = judge.score(preferred);
        double median = scores.stream()
                .mapToDouble(RewardModel.Score::mean)
                .sorted()
                .skip(scores.size() / 2)
                .findFirst()
                .orElse(0);
        List<Sample> good = new ArrayList<>();
        for (int i = 0; i < preferred.size(); i++) {
            if (scores.get(i).mean() >= median) {
                good.add(preferred.get(i));
            }
        }
        return good;
    }

    private double perplexity(Workshop workshop, float[] weights, List<Sample> samples) {
        try (Parameters parameters = new Parameters(workshop.manager, weights, Parameters.AdamW.FINE_TUNING)) {
            Transformer model = new Transformer(workshop.policy, workshop.constants);
            return Math.exp(
                    new SupervisedFineTuning(workshop.manager, model, SftConfig.DEFAULT).evaluate(parameters, samples));
        }
    }
}
