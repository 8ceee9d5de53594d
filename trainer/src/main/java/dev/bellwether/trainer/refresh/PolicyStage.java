package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.external.ExternalConfig;
import dev.bellwether.trainer.external.ExternalTraining;
import dev.bellwether.trainer.metrics.TensorBoard;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.DirectConfig;
import dev.bellwether.trainer.objective.DirectTraining;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.objective.PolicyTraining;
import dev.bellwether.trainer.objective.Ppo;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.objective.Sharpening;
import dev.bellwether.trainer.reward.RewardModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The policy of a refresh: trained once, by the bot's objective or its own command, or taken from the refresh's folder. */
final class PolicyStage {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyStage.class);

    /** Share of how far training may go, so that it has some left. */
    private static final double SHARPENED_MOST = .75;

    private final RefreshConfig config;
    private final Checkpoint champion;
    private final Workshop workshop;
    private final Division people;
    private final Stages stages;
    private final Path directory;
    private final RefreshListener listener;
    private final Clock clock;

    /**
     * @param champion which training goes on from, where that is set
     * @param directory of the refresh
     */
    PolicyStage(
            RefreshConfig config,
            Checkpoint champion,
            Workshop workshop,
            Division people,
            Stages stages,
            Path directory,
            RefreshListener listener,
            Clock clock) {
        this.config = config;
        this.champion = champion;
        this.workshop = workshop;
        this.people = people;
        this.stages = stages;
        this.directory = directory;
        this.listener = listener;
        this.clock = clock;
    }

    /** The trained weights; an update that led out of bounds is undone. */
    Weights policy(RewardModel reward) throws IOException {
        ExternalConfig external = config.external();
        return external == null ? trained(reward) : external(external, reward);
    }

    private Weights external(ExternalConfig external, RewardModel reward) throws IOException {
        Optional<Weights> done = made();
        if (done.isPresent()) {
            return done.get();
        }
        ExternalTraining.Bounds bounds = new ExternalTraining.Bounds(
                config.klBudget(),
                config.seed(),
                champion.directory(),
                config.training().adapters(workshop.policy()));
        Weights made = new ExternalTraining(external, settings(), bounds, directory, workshop.origin())
                .run(
                        new ExternalTraining.Evidence(workshop.prompts(), people.training()),
                        workshop.base(),
                        reward,
                        (fraction, metrics) -> listener.progress("external", Math.min(fraction, .999), metrics));
        stages.save("actor", made.vector(), shape(made.lora()));
        return made;
    }

    /** What the command made before the trainer was killed. */
    private Optional<Weights> made() {
        Optional<double[]> shape = stages.load("actor");
        if (shape.isEmpty()) {
            return Optional.empty();
        }
        Weights weights = workshop.base().trainable(workshop.policy(), lora(shape.get()), config.seed());
        if (stages.load("actor", weights.vector()).isPresent()) {
            return Optional.of(weights);
        }
        weights.close();
        return Optional.empty();
    }

    /** Adapters' settings as numbers: rank, alpha, and which matrices have one; none of all weights. */
    private static double[] shape(Optional<LoraConfig> lora) {
        return lora.map(each -> DoubleStream.concat(
                                DoubleStream.of(each.rank(), each.alpha()),
                                each.targets().stream().mapToDouble(LoraConfig.MATRICES::indexOf))
                        .toArray())
                .orElse(new double[0]);
    }

    private static Optional<LoraConfig> lora(double[] shape) {
        return shape.length == 0
                ? Optional.empty()
                : Optional.of(new LoraConfig(
                        (int) shape[0],
                        shape[1],
                        DoubleStream.of(shape)
                                .skip(2)
                                .mapToObj(target -> LoraConfig.MATRICES.get((int) target))
                                .toList()));
    }

    private PpoConfig settings() {
        PpoConfig standard =
                config.training().objective() == Objective.RLOO ? PpoConfig.LEAVING_ONE_OUT : PpoConfig.DEFAULT;
        return standard.with(
                config.steps(),
                config.training().rollouts(),
                config.samplingTemperature(),
                config.completionTokensMax(),
                workshop.learningRateFactor());
    }

    private Weights trained(RewardModel reward) throws IOException {
        Weights finished = workshop.trainable();
        if (stages.load("actor", finished.vector()).isPresent()) {
            return finished;
        }
        finished.close();
        String name = config.training().objective().label();
        // Sampled before the actor takes memory.
        workshop.usualPhrases();
        try (PolicyTraining training = training(beginning(reward), reward);
                TensorBoard board = new TensorBoard(directory.resolve("tensorboard"), clock)) {
            int done = stages.restorePolicy(training);
            if (done == 0) {
                stages.savePolicy(training, 0);
            }
            for (int step = done; step < training.steps(); step++) {
                Map<String, Double> metrics = training.step(step);
                board.scalars(step, metrics);
                if (training.exceededBy(metrics)) {
                    undo(training, step, metrics);
                } else {
                    stages.savePolicy(training, step + 1);
                }
                listener.progress(name, (step + 1.0) / training.steps(), metrics);
            }
            if (done <= training.steps()) {
                Map<String, Double> outcome = training.outcome();
                board.scalars(training.steps(), outcome);
                if (training.exceededBy(outcome)) {
                    undo(training, training.steps(), outcome);
                }
            }
            return finished(training.trained().getFirst().weights().copy());
        }
    }

    private void undo(PolicyTraining training, int step, Map<String, Double> metrics) throws IOException {
        boolean back = stages.undoPolicy(training, step);
        LOG.warn(
                "step {} found the policy {} nats a reply from its reference, with {} different replies for each prompt; {}",
                step,
                metrics.get("objective/kl"),
                metrics.get("response/distinct"),
                back ? "the update before it is undone" : "it is left out");
    }

    private PolicyTraining training(Beginning begun, RewardModel reward) {
        Weights actor = begun.actor();
        PpoConfig online = settings().within(config.klBudget(), begun.nats());
        Ppo.Models models = new Ppo.Models(workshop.policy(), actor, workshop.base(), reward, workshop.usualPhrases());
        DirectConfig direct = DirectConfig.DEFAULT.with(config.samplingTemperature(), workshop.learningRateFactor());
        return switch (config.training().objective()) {
            case PPO -> Ppo.withCritic(models, workshop.rollouts(), workshop.prompts(), online, config.seed());
            case RLOO -> Ppo.leavingOneOut(models, workshop.rollouts(), workshop.prompts(), online, config.seed());
            case DPO ->
                DirectTraining.dpo(
                        workshop.policy(),
                        actor,
                        workshop.base(),
                        people.training().comparisons(),
                        direct,
                        config.seed());
            case KTO ->
                DirectTraining.kto(
                        workshop.policy(),
                        actor,
                        workshop.base(),
                        people.training().comparisons(),
                        people.training().votes(),
                        direct,
                        config.seed());
        };
    }

    /**
     * Where training begins.
     *
     * @param nats a reply that it is away from the origin
     */
    private record Beginning(Weights actor, double nats) {}

    /** The champion's place, or the origin's, where the champion's is not within what a policy may be away from it. */
    private Beginning beginning(RewardModel reward) throws IOException {
        Weights actor = warmed(reward);
        List<int[]> asked = workshop.prompts(config.training().rollouts(), config.seed());
        double nats;
        try {
            nats = workshop.divergence(actor, asked, config.seed());
        } catch (RuntimeException | Error e) {
            actor.close();
            throw e;
        }
        if (nats < PpoConfig.furthest(config.klBudget())) {
            return new Beginning(sharpened(actor, reward), nats);
        }
        LOG.warn(
                "training begins at {}: where it was to go on from is {} nats a reply away, and kl_budget is {}",
                workshop.origin().directory(),
                nats,
                config.klBudget());
        actor.close();
        return new Beginning(sharpened(workshop.trainable(), reward), 0);
    }

    /** The champion or the origin, where that is set after it has learned the best of its own replies. */
    private Weights warmed(RewardModel reward) throws IOException {
        Weights actor = config.training().warmStart() ? workshop.trainable(champion) : workshop.trainable();
        BestOfN.Config bestOf = config.training().bestOf();
        if (bestOf.rounds() == 0 || stages.load("distilled", actor.vector()).isPresent()) {
            return actor;
        }
        try (Transformer policy = new Transformer(workshop.policy())) {
            double rate = workshop.learningRateFactor() * BestOfN.LEARNING_RATE;
            new BestOfN(
                            policy,
                            workshop.rollouts(),
                            reward,
                            workshop.prompts(),
                            settings(),
                            bestOf,
                            rate,
                            config.seed())
                    .train(actor, (fraction, metrics) -> listener.progress("distil", fraction, metrics));
        }
        stages.save("distilled", actor.vector());
        return actor;
    }

    /** Of adapters nothing, which hold none of the last norm; nor where no replies of its own would bring phrases back. */
    private Weights sharpened(Weights actor, RewardModel reward) throws IOException {
        if (!config.training().sharpen()
                || !config.training().objective().online()
                || actor.lora().isPresent()
                || stages.load("sharpened", actor.vector()).isPresent()) {
            return actor;
        }
        try (Transformer policy = new Transformer(workshop.policy())) {
            new Sharpening(
                            policy,
                            workshop.base(),
                            reward,
                            workshop.rollouts(),
                            workshop.prompts(),
                            settings(),
                            config.seed())
                    .sharpen(
                            actor,
                            SHARPENED_MOST * PpoConfig.furthest(config.klBudget()),
                            (fraction, metrics) -> listener.progress("sharpen", fraction, metrics));
            stages.save("sharpened", actor.vector());
            return actor;
        } catch (IOException | RuntimeException | Error e) {
            actor.close();
            throw e;
        }
    }

    private Weights finished(Weights actor) throws IOException {
        stages.save("actor", actor.vector());
        return actor;
    }
}
