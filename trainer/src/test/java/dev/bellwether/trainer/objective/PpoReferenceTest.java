package dev.bellwether.trainer.objective;

import static dev.bellwether.trainer.reference.TrainingReference.BATCH;
import static dev.bellwether.trainer.reference.TrainingReference.numbers;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.trainer.model.Pass;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.reference.TrainingReference;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The losses of policy and critic, their gradients and a step of the optimizer are those of PyTorch. */
class PpoReferenceTest {
    private static final int TOKENS = BATCH.replyTokens();
    private static final double TEMPERATURE = .7;
    private static final double CLIP = .2;

    static List<TrainingReference> cases() throws IOException {
        return TrainingReference.all();
    }

    private static Tensor tensor(float[] values) {
        return Torch.floats(TrainingReference.DEVICE, values, values.length);
    }

    private static float[] sum(float[] first, float[] second) {
        float[] sum = first.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += second[i];
        }
        return sum;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesThePolicysLossAsPyTorchDoes(TrainingReference reference) {
        float[] advantages = numbers(TOKENS, 3);
        float[] importance = sum(numbers(TOKENS, .5), new float[] {1, 1, 1, 1, 1, 1});
        try (Transformer model = new Transformer(reference.languageModel())) {
            reference.check("ppo", reference.languageModel(), parameters -> {
                Weights weights = parameters.weights();
                try (PointerScope _ = new PointerScope()) {
                    float[] now = model.logProbabilities(weights, BATCH, TEMPERATURE);
                    Tensor old = tensor(sum(now, numbers(TOKENS, .6)));
                    double[] loss = {0};
                    model.backward(weights, BATCH, TEMPERATURE, (logProbabilities, from, to) -> {
                        Tensor part = PpoLoss.policy(
                                logProbabilities,
                                old.narrow(0, from, to - from),
                                tensor(advantages).narrow(0, from, to - from),
                                tensor(importance).narrow(0, from, to - from),
                                CLIP,
                                TOKENS);
                        loss[0] += part.item_double();
                        return part;
                    });
                    return loss[0];
                }
            });
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesTheCriticsLossAsPyTorchDoes(TrainingReference reference) {
        CheckpointConfig critic = reference.rewardModel(1);
        try (Transformer model = new Transformer(critic)) {
            reference.check("value", critic, parameters -> {
                Weights weights = parameters.weights();
                try (PointerScope _ = new PointerScope()) {
                    Pass pass = model.forward(weights, BATCH);
                    Tensor values = Critic.values(weights, BATCH, pass.states());
                    float[] old = sum(Torch.toArray(values), numbers(TOKENS, .8));
                    Tensor loss = PpoLoss.value(values, tensor(old), tensor(numbers(TOKENS, 2)), CLIP, TOKENS);
                    loss.backward();
                    pass.backward();
                    return loss.item_double();
                }
            });
        }
    }
}
