package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever it is trained by, a policy says more of what is worth more. */
class ObjectiveTest {
    private static final int TOKENS = 6;
    private static final List<int[]> PROMPTS =
            IntStream.range(0, 24).mapToObj(i -> new int[] {3, 50 + i, 80}).toList();
    private static final PpoConfig ONLINE = PpoConfig.DEFAULT.with(10, 64, 1, TOKENS, 20);
    private static final DirectConfig DIRECT = new DirectConfig(3, 16, 3e-3, .1, .1, .5, 1, 1_800);

    private final Checkpoint policy = Checkpoint.open(Path.of("../policy/src/test/resources/reference/llama-tied"));
    private final CheckpointConfig config = policy.config();
    private final Rollouts rollouts = new Rollouts(policy);

    @ParameterizedTest
    @EnumSource
    void makesThePolicySayWhatIsWorthMore(Objective objective) {
        CheckpointConfig heads = config.asRewardModel(2, Pooling.MEAN);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                RewardModel reward = new RewardModel(heads, base.trainable(heads, Optional.empty(), 7), 1_000)) {
            List<Sample> before = replies(base);
            reward.calibrate(before);
            Weights actor = base.trainable(config, Optional.empty(), 1);
            assertThat(worth(reward, after(objective, actor, base, reward, before)))
                    .isGreaterThan(worth(reward, before) + .2);
        }
    }

    private List<Sample> after(
            Objective objective, Weights actor, Weights base, RewardModel reward, List<Sample> before) {
        Phrases phrases = Phrases.of(before);
        Ppo.Models models = new Ppo.Models(config, actor, base, reward, new Phrases.Usual(phrases, phrases, phrases));
        try (PolicyTraining training = training(objective, models, before)) {
            for (int step = 0; step < training.steps(); step++) {
                training.step(step);
            }
            return replies(actor);
        }
    }

    private PolicyTraining training(Objective objective, Ppo.Models models, List<Sample> before) {
        return switch (objective) {
            case PPO -> Ppo.withCritic(models, rollouts, PROMPTS, ONLINE, 1);
            case RLOO -> Ppo.leavingOneOut(models, rollouts, PROMPTS, ONLINE, 1);
            case DPO ->
                DirectTraining.dpo(
                        config, models.actor(), models.reference(), comparisons(models.reward(), before), DIRECT, 1);
            case KTO ->
                DirectTraining.kto(
                        config,
                        models.actor(),
                        models.reference(),
                        List.of(),
                        votes(models.reward(), before),
                        DIRECT,
                        1);
        };
    }

    private List<Sample> replies(Weights weights) {
        List<int[]> asked = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            asked.addAll(PROMPTS);
        }
        return rollouts.sample(weights, asked, Sampling.at(1, TOKENS, 9)).stream()
                .map(Rollout::sample)
                .toList();
    }

    private static double worth(RewardModel reward, List<Sample> replies) {
        return reward.score(replies).stream()
                .mapToDouble(each -> each.mean())
                .average()
                .orElse(Double.NaN);
    }

    /** Of each prompt's replies the better of two. */
    private static List<Comparison> comparisons(RewardModel reward, List<Sample> replies) {
        double[] worth =
                reward.score(replies).stream().mapToDouble(each -> each.mean()).toArray();
        List<Comparison> comparisons = new ArrayList<>();
        for (int i = 0; i + PROMPTS.size() < worth.length; i++) {
            int other = i + PROMPTS.size();
            boolean better = worth[i] > worth[other];
            comparisons.add(Comparison.of(replies.get(better ? i : other), replies.get(better ? other : i), 1));
        }
        return comparisons;
    }

    /** Thumbs up for the better half. */
    private static List<Vote> votes(RewardModel reward, List<Sample> replies) {
        double[] worth =
                reward.score(replies).stream().mapToDouble(each -> each.mean()).toArray();
        double median =
                Arrays.stream(worth).sorted().skip(worth.length / 2).findFirst().orElseThrow();
        return IntStream.range(0, worth.length)
                .mapToObj(i -> new Vote(replies.get(i), worth[i] > median, "mia", i))
                .toList();
    }
}
