package dev.bellwether.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the logits that the transformers library computes, and against finite differences. */
class TransformerTest {
    private static final Path REFERENCE = Path.of("../policy/src/test/resources/reference");

    /** Two samples of different lengths, so that padding and positions are part of it. */
    private static final MicroBatch BATCH =
            MicroBatch.of(List.of(new Sample(new int[] {4, 5, 6, 7, 8}, 2), new Sample(new int[] {9, 10, 11}, 1)));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-tied",
                "llama-grouped-bf16",
                "llama3-rope-f16",
                "qwen2-biases",
                "qwen3-head-norms",
                "mistral"
            })
    void givesTheReferenceLogProbabilities(String name) throws IOException {
        JsonNode reference = new ObjectMapper()
                .readTree(REFERENCE.resolve(name).resolve("reference.json").toFile());
        int[] ids = new ObjectMapper().treeToValue(reference.get("ids"), int[].class);
        float[][] logits = new ObjectMapper().treeToValue(reference.get("logits"), float[][].class);
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve(name));
        Sample sample = new Sample(ids, 1);
        float[] streamed = new StreamedTransformer(checkpoint)
                .logProbabilities(List.of(sample, sample))
                .getLast();
        try (Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);
                Transformer model = new Transformer(checkpoint.config())) {
            float[] actual = model.logProbabilities(weights, MicroBatch.of(List.of(sample)), 1);
            for (int t = 0; t + 1 < ids.length; t++) {
                double expected = logProbability(logits[t], ids[t + 1]);
                assertThat((double) actual[t]).isCloseTo(expected, within(1e-4));
                assertThat((double) streamed[t]).isCloseTo(expected, within(1e-4));
            }
        }
    }

    private static double logProbability(float[] logits, int token) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - logits[token]);
        }
        return -Math.log(sum);
    }

    private static Tensor meanLoss(Tensor logProbabilities) {
        return logProbabilities.sum().mul(new Scalar(-1.0 / BATCH.replyTokens()));
    }

    /** The mean loss, computed by the side that has no gradient. */
    private static double loss(Transformer model, Weights weights) {
        double sum = 0;
        for (float each : model.logProbabilities(weights, BATCH, .7)) {
            sum -= each;
        }
        return sum / BATCH.replyTokens();
    }

    private static Weights shifted(Weights weights, float[] direction, double step) {
        Weights shifted = weights.copy();
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            shifted.vector().add_(Torch.floats(ComputeDevice.CPU, direction, direction.length), new Scalar(step));
        }
        return shifted;
    }

    /** Full and with adapters; with all layers' graphs kept, and with layers computed once more. */
    @ParameterizedTest
    @CsvSource({
        "llama-grouped-bf16, false, 1000000000",
        "llama-grouped-bf16, false, 0",
        "qwen2-biases, true, 1000000000",
        "qwen3-head-norms, true, 0",
        "mistral, false, 0"
    })
    void hasTheGradientThatFiniteDifferencesGive(String name, boolean adapters, long keptBytesMax) {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve(name));
        Optional<LoraConfig> lora = adapters
                ? Optional.of(new LoraConfig(2, 8, List.of("q_proj", "v_proj", "down_proj")))
                : Optional.empty();
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights start = base.trainable(checkpoint.config(), lora, 1);
                Transformer model = new Transformer(checkpoint.config(), keptBytesMax);
                // B begins at zero, where A has no gradient yet.
                Weights weights = shifted(start, ones(start.toArray().length), adapters ? .02 : 0);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING)) {
            model.backward(weights, BATCH, .7, (logProbabilities, _, _) -> {
                System.gc();
                return meanLoss(logProbabilities);
            });
            float[] gradient = parameters.gradients();
            double square = 0;
            for (float each : gradient) {
                square += each * (double) each;
            }
            double step = 1e-3 / Math.sqrt(square);
            try (Weights ahead = shifted(weights, gradient, step);
                    Weights behind = shifted(weights, gradient, -step)) {
                double difference = loss(model, ahead) - loss(model, behind);
                assertThat(difference / (2 * step)).isCloseTo(square, within(.02 * square));
            }
        }
    }

    private static float[] ones(int size) {
        float[] ones = new float[size];
        Arrays.fill(ones, 1);
        return ones;
    }

    @Test
    void computesTheSameGradientHoweverTheLogitsAreCut() {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve("llama-tied"));
        try (Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);
                Transformer kept = new Transformer(checkpoint.config());
                Transformer recomputing = new Transformer(checkpoint.config(), 0)) {
            float[] once = gradient(kept, weights);
            float[] again = gradient(recomputing, weights);
            assertThat(again).containsExactly(once, within(1e-6f));
        }
    }

    /** Two replies to one prompt, and one to another: as rows of their own, and with the prompt once. */
    @ParameterizedTest
    @CsvSource({"llama-grouped-bf16, 1000000000", "qwen3-head-norms, 0"})
    void computesTheSameWhereRepliesShareTheirPrompt(String name, long keptBytesMax) {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve(name));
        List<Sample> samples = List.of(
                new Sample(new int[] {4, 5, 6, 7, 8, 9}, 3),
                new Sample(new int[] {4, 5, 6, 20, 21}, 3),
                new Sample(new int[] {9, 10, 11}, 1));
        MicroBatch apart = MicroBatch.of(samples);
        MicroBatch shared = MicroBatch.packTogether(samples, List.of(List.of(2), List.of(0, 1)), 1_000)
                .getFirst();
        assertThat(shared.rows()).isEqualTo(2);
        assertThat(shared.index(0)).isEqualTo(2);
        try (Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);
                Transformer model = new Transformer(checkpoint.config(), keptBytesMax)) {
            float[] each = model.logProbabilities(weights, apart, 1);
            float[] together = model.logProbabilities(weights, shared, 1);
            for (int i = 0; i < samples.size(); i++) {
                int other = shared.index(i);
                assertThat(Arrays.copyOfRange(together, shared.offset(i), shared.offset(i + 1)))
                        .containsExactly(
                                Arrays.copyOfRange(each, apart.offset(other), apart.offset(other + 1)), within(1e-4f));
            }
            assertThat(gradient(model, weights, shared))
                    .containsExactly(gradient(model, weights, apart), within(1e-4f));
        }
    }

    private static float[] gradient(Transformer model, Weights weights, MicroBatch batch) {
        try (Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING)) {
            model.backward(
                    weights,
                    batch,
                    1,
                    (logProbabilities, _, _) -> logProbabilities.mean().neg());
            return parameters.gradients();
        }
    }

    private static float[] gradient(Transformer model, Weights weights) {
        try (Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING)) {
            model.backward(weights, BATCH, 1, (logProbabilities, _, _) -> meanLoss(logProbabilities));
            return parameters.gradients();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void learnsASingleReplyByHeartAndLeavesTheBaseAsItWas(boolean adapters) {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve("llama-tied"));
        Optional<LoraConfig> lora = adapters ? Optional.of(LoraConfig.DEFAULT) : Optional.empty();
        MicroBatch batch = MicroBatch.of(List.of(new Sample(new int[] {4, 5, 6, 7, 8}, 2)));
        try (Weights base = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights before = base.copy();
                Weights weights = base.trainable(checkpoint.config(), lora, 1);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING);
                Transformer model = new Transformer(checkpoint.config())) {
            double loss = Double.NaN;
            for (int i = 0; i < 80; i++) {
                boolean collect = i % 20 == 0;
                float[] found = model.backward(weights, batch, 1, (logProbabilities, _, _) -> {
                    if (collect) {
                        System.gc();
                    }
                    return logProbabilities.mean().neg();
                });
                parameters.update(.01);
                loss = -(found[0] + found[1] + found[2]) / 3;
            }
            assertThat(loss).isLessThan(.05);
            assertThat(base.sameAs(before)).isTrue();
        }
    }
}
