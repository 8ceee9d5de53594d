package dev.bellwether.trainer.objective;

import static dev.bellwether.trainer.reference.TrainingReference.BATCH;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.reference.TrainingReference;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The losses of DPO and KTO, their gradients and a step of the optimizer are those of PyTorch. */
class DirectReferenceTest {
    private static final double BETA = .5;
    private static final double SMOOTHING = .1;
    private static final DirectConfig SETTINGS = new DirectConfig(1, 2, 1e-2, BETA, SMOOTHING, 1, .7, 64);

    static List<TrainingReference> cases() throws IOException {
        return TrainingReference.all();
    }

    private static <E> void check(String name, TrainingReference reference, DirectLoss<E> loss, List<E> batch) {
        reference.check(name, reference.languageModel(), parameters -> {
            try (Weights other = reference.other()) {
                DirectTraining<E> training =
                        new DirectTraining<>(reference.languageModel(), parameters, other, loss, batch, SETTINGS, 1);
                return Objects.requireNonNull(training.backward(batch).get("loss/policy_avg"));
            }
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesDirectPreferenceOptimizationAsPyTorchDoes(TrainingReference reference) {
        Comparison comparison = Comparison.of(BATCH.sample(0), BATCH.sample(1), .8);
        Comparison reversed = Comparison.of(BATCH.sample(1), BATCH.sample(0), .4);
        check("dpo", reference, new DpoLoss(BETA, SMOOTHING), List.of(comparison, reversed));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesKahnemanTverskyOptimizationAsPyTorchDoes(TrainingReference reference) {
        KtoLoss.Judged liked = new KtoLoss.Judged(BATCH.sample(0), true, .8);
        KtoLoss.Judged disliked = new KtoLoss.Judged(BATCH.sample(1), false, .5);
        check("kto", reference, new KtoLoss(BETA), List.of(liked, disliked));
    }
}
