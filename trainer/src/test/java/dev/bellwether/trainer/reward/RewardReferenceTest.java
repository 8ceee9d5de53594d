package dev.bellwether.trainer.reward;

import static dev.bellwether.trainer.reference.TrainingReference.BATCH;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.reference.TrainingReference;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The reward model's loss, gradients and a step of the optimizer are those of PyTorch. */
class RewardReferenceTest {
    private static final int HEADS = 2;

    static List<TrainingReference> cases() throws IOException {
        return TrainingReference.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesWhatPyTorchComputes(TrainingReference reference) {
        CheckpointConfig config = reference.rewardModel(HEADS);
        RewardConfig settings = new RewardConfig(HEADS, 1e-2, 1, 1, .1, .6, 0, 1, 1, .01, 64);
        Comparison comparison = Comparison.of(BATCH.sample(0), BATCH.sample(1), .8);
        Comparison reversed = Comparison.of(BATCH.sample(1), BATCH.sample(0), .4);
        Vote vote = new Vote(BATCH.sample(0), true, "mia", 0);
        reference.check("reward", config, parameters -> {
            Weights weights = parameters.weights();
            RewardModel model = new RewardModel(config, weights, 64);
            RewardTraining training = new RewardTraining(model, settings, 1);
            Batch batch = new Batch();
            batch.add(new Evidence.Compared(comparison), 0, 1, 1);
            batch.add(new Evidence.Compared(reversed), 0, 1, 1);
            batch.add(new Evidence.Voted(vote, settings.voteWeight()), 0, 1, 2);
            float[][] rewards = model.rewards(List.of(BATCH.sample(0), BATCH.sample(1)));
            training.backward(batch);
            double loss = 0;
            for (int head = 0; head < HEADS; head++) {
                double margin = rewards[0][head] - rewards[1][head];
                double sum = rewards[0][head] + rewards[1][head];
                loss += .8 / 1.8 * RewardLoss.pair(margin, .1);
                loss += .4 / 1.8 * RewardLoss.pair(-margin, .1);
                loss += 1.2 / 1.8 * .01 * sum * sum;
                loss += .6 / 1.8 * (1 + head) * RewardLoss.vote(rewards[0][head], 0, true, .1);
            }
            return loss;
        });
    }
}
