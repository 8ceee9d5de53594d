package dev.bellwether.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the logits that the transformers library computes, and against finite differences. */
class TransformerTest {
    private static final Path REFERENCE = Path.of("../policy/src/test/resources/reference");

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
        try (NDManager manager = NDManager.newBaseManager();
                Constants constants = new Constants(manager)) {
            Transformer model = new Transformer(checkpoint.config(), constants);
            MicroBatch batch = MicroBatch.pack(List.of(new Sample(ids, 1)), 64).getFirst();
            NDList weights = model.split(manager.create(checkpoint.parameters()));
            NDArray hidden = model.hidden(weights, batch.ids(manager), 1, batch.length());
            float[] actual = model.logProbabilities(
                            weights, hidden, batch.positions(manager), batch.targets(manager), 1)
                    .toFloatArray();
            for (int t = 0; t + 1 < ids.length; t++) {
                assertThat((double) actual[t]).isCloseTo(logProbability(logits[t], ids[t + 1]), within(2e-3));
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

    /** Two samples of different lengths, so that padding and positions are part of it. */
    private static double lossAndGradient(Transformer model, NDManager manager, float[] parameters, float[] gradient) {
        List<Sample> samples = List.of(new Sample(new int[] {4, 5, 6, 7, 8}, 2), new Sample(new int[] {9, 10, 11}, 1));
        MicroBatch batch = MicroBatch.pack(samples, 64).getFirst();
        try (NDManager step = manager.newSubManager();
                Parameters owned = new Parameters(step, parameters, Parameters.AdamW.FINE_TUNING)) {
            NDArray leaf = owned.leaf(step);
            NDArray ids = batch.ids(step);
            NDArray positions = batch.positions(step);
            NDArray targets = batch.targets(step);
            double loss;
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDList weights = model.split(leaf);
                NDArray hidden = model.hidden(weights, ids, batch.size(), batch.length());
                NDArray mean = model.logProbabilities(weights, hidden, positions, targets, .7)
                        .mean()
                        .neg();
                System.gc();
                collector.backward(mean);
                loss = mean.getFloat();
            }
            System.arraycopy(leaf.getGradient().toFloatArray(), 0, gradient, 0, gradient.length);
            return loss;
        }
    }

    @Test
    void hasTheGradientThatFiniteDifferencesGiveEvenWhenTheCollectorRunsBeforeBackward() {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve("llama-grouped-bf16"));
        try (NDManager manager = NDManager.newBaseManager();
                Constants constants = new Constants(manager)) {
            Transformer model = new Transformer(checkpoint.config(), constants);
            float[] parameters = checkpoint.parameters();
            float[] gradient = new float[parameters.length];
            float[] unused = new float[parameters.length];
            lossAndGradient(model, manager, parameters, gradient);
            double norm = 0;
            for (float each : gradient) {
                norm += each * (double) each;
            }
            double step = 2e-3 / Math.sqrt(norm);
            float[] ahead = parameters.clone();
            float[] behind = parameters.clone();
            for (int i = 0; i < parameters.length; i++) {
                ahead[i] += (float) (step * gradient[i]);
                behind[i] -= (float) (step * gradient[i]);
            }
            double difference =
                    lossAndGradient(model, manager, ahead, unused) - lossAndGradient(model, manager, behind, unused);
            assertThat(difference / (2 * step)).isCloseTo(norm, within(.03 * norm));
        }
    }

    @Test
    void learnsASingleReplyByHeartWithFlatMemory() {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve("llama-tied"));
        try (NDManager manager = NDManager.newBaseManager();
                Constants constants = new Constants(manager);
                Parameters parameters =
                        new Parameters(manager, checkpoint.parameters(), Parameters.AdamW.FINE_TUNING)) {
            Transformer model = new Transformer(checkpoint.config(), constants);
            MicroBatch batch = MicroBatch.pack(List.of(new Sample(new int[] {4, 5, 6, 7, 8}, 2)), 64)
                    .getFirst();
            double loss = Double.NaN;
            for (int i = 0; i < 80; i++) {
                try (NDManager step = manager.newSubManager()) {
                    NDArray leaf = parameters.leaf(step);
                    NDArray ids = batch.ids(step);
                    NDArray positions = batch.positions(step);
                    NDArray targets = batch.targets(step);
                    try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                        NDList weights = model.split(leaf);
                        NDArray hidden = model.hidden(weights, ids, 1, batch.length());
                        NDArray mean = model.logProbabilities(weights, hidden, positions, targets, 1)
                                .mean()
                                .neg();
                        if (i % 5 == 0) {
                            System.gc();
                        }
                        collector.backward(mean);
                        loss = mean.getFloat();
                    }
                    parameters.update(leaf, .01);
                }
            }
            assertThat(loss).isLessThan(.05);
        }
    }

    @Test
    void numbersTheTensorsOfTheFlatVectorAsTheCheckpointDoes() {
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve("qwen2-biases"));
        int total = checkpoint.config().tensors().stream()
                .mapToInt(tensor -> Math.toIntExact(tensor.size()))
                .sum();
        assertThat(total).isEqualTo(checkpoint.parameters().length);
    }
}
