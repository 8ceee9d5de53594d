package dev.bellwether.trainer.model;

import static dev.bellwether.trainer.reference.TrainingReference.BATCH;

import dev.bellwether.trainer.reference.TrainingReference;
import java.io.IOException;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Next-token loss, gradients and a step of the optimizer are those of PyTorch. */
class SftReferenceTest {
    static List<TrainingReference> cases() throws IOException {
        return TrainingReference.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesWhatPyTorchComputes(TrainingReference reference) {
        try (Transformer model = new Transformer(reference.languageModel())) {
            reference.check("sft", reference.languageModel(), parameters -> {
                Weights weights = parameters.weights();
                int tokens = BATCH.replyTokens();
                float[] found = model.backward(
                        weights,
                        BATCH,
                        1,
                        (logProbabilities, _, _) -> logProbabilities.sum().mul(new Scalar(-1.0 / tokens)));
                double sum = 0;
                for (float each : found) {
                    sum -= each;
                }
                return sum / tokens;
            });
        }
    }
}
