package dev.bellwether.trainer.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * One case of {@code training.json}: a tiny checkpoint, with all weights or with adapters.
 *
 * <p>The file is made by {@code src/test/reference/make_training_reference.py}; one of other checkpoints lies in the folder
 * that {@code -Dreference} names.
 *
 * @param checkpoints folder of the checkpoints
 */
public record TrainingReference(Path checkpoints, String name, JsonNode expected) {
    private static final Path CHECKPOINTS = Path.of("../policy/src/test/resources/reference");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ADAPTED = " adapted";
    private static final LoraConfig LORA = new LoraConfig(2, 8, List.of("q_proj", "v_proj", "down_proj"));
    private static final double RATE = 1e-2;
    /** Where {@code -Ddevice} says; in bfloat16, as a GPU computes, gradients agree to a tenth. */
    public static final ComputeDevice DEVICE = ComputeDevice.of(System.getProperty("device", "cpu"));

    private static final boolean ROUGH = DEVICE.cuda() && !Boolean.getBoolean("bellwether.float32");
    private static final double TOLERANCE = ROUGH ? .15 : 1e-4;

    /** As the script has them, in its order. */
    public static final MicroBatch BATCH = MicroBatch.of(
            List.of(new Sample(new int[] {4, 5, 6, 7, 8, 9, 30}, 3), new Sample(new int[] {9, 10, 11, 12}, 2)));

    /** All cases. */
    public static List<TrainingReference> all() throws IOException {
        List<TrainingReference> all = new ArrayList<>();
        try (InputStream file =
                Objects.requireNonNull(TrainingReference.class.getResourceAsStream("/reference/training.json"))) {
            all.addAll(cases(CHECKPOINTS, JSON.readTree(file)));
        }
        String others = System.getProperty("reference");
        if (others != null) {
            Path folder = Path.of(others);
            all.addAll(
                    cases(folder, JSON.readTree(folder.resolve("training.json").toFile())));
        }
        return all;
    }

    private static List<TrainingReference> cases(Path checkpoints, JsonNode expected) {
        return expected.properties().stream()
                .map(each -> new TrainingReference(checkpoints, each.getKey(), each.getValue()))
                .toList();
    }

    /** {@code count} numbers that follow from their place alone. */
    public static float[] numbers(int count, double scale) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) ((i * 7919L % 1000 / 1000.0 - .5) * scale);
        }
        return numbers;
    }

    public Checkpoint checkpoint() {
        return Checkpoint.open(checkpoints.resolve(name.replace(ADAPTED, "")));
    }

    /** The language model's configuration. */
    public CheckpointConfig languageModel() {
        return checkpoint().config();
    }

    public CheckpointConfig rewardModel(int heads) {
        return checkpoint().config().asRewardModel(heads, Pooling.MEAN);
    }

    /**
     * Computes a loss, its gradients and one step, and compares all of them.
     *
     * @param loss which of the case's
     * @param backward adds the gradients and gives the loss
     */
    public void check(String loss, CheckpointConfig config, ToDoubleFunction<Parameters> backward) {
        try (Weights weights = weights(config, name.endsWith(ADAPTED));
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING)) {
            JsonNode wanted = expected.path(loss);
            double found = backward.applyAsDouble(parameters);
            assertThat(found).isCloseTo(wanted.path("loss").asDouble(), within(TOLERANCE));
            compare(wanted.path("gradients"), weights, true);
            parameters.update(RATE);
            compare(wanted.path("updated"), weights, false);
        }
    }

    /** What DPO and KTO measure from: without adapters where those are trained, with them where all weights are. */
    public Weights other() {
        return weights(languageModel(), !name.endsWith(ADAPTED));
    }

    private Weights weights(CheckpointConfig config, boolean adapted) {
        Optional<LoraConfig> lora = adapted ? Optional.of(LORA) : Optional.empty();
        Weights weights = Weights.of(checkpoint(), DEVICE).trainable(config, lora, 1);
        weights.names().forEach(tensor -> fill(weights, tensor));
        return weights;
    }

    private static void fill(Weights weights, String tensor) {
        double scale = tensor.contains("lora_A") ? .4 : tensor.contains("lora_B") ? .2 : .5;
        if (tensor.contains("lora_") || tensor.startsWith("score")) {
            try (PointerScope _ = new PointerScope();
                    NoGradGuard _ = new NoGradGuard()) {
                Tensor into = weights.get(tensor);
                into.copy_(Torch.floats(DEVICE, numbers((int) into.numel(), scale), into.shape()));
            }
        }
    }

    /** Length, and product with fixed numbers, of every tensor or of its gradient. */
    private void compare(JsonNode wanted, Weights weights, boolean gradients) {
        assertThat(weights.names()).hasSize(wanted.size());
        for (String tensor : weights.names()) {
            try (PointerScope _ = new PointerScope()) {
                Tensor whole = weights.get(tensor);
                float[] found = Torch.toArray(gradients ? new Tensor(whole.grad()) : whole);
                float[] fixed = numbers(found.length, 1);
                double square = 0;
                double product = 0;
                for (int i = 0; i < found.length; i++) {
                    square += found[i] * (double) found[i];
                    product += found[i] * (double) fixed[i];
                }
                double length = wanted.path(tensor).path(0).asDouble(Double.NaN);
                // Both are off by as much as the tensor is long; a product, by the fixed numbers' length, too.
                assertThat(Math.sqrt(square))
                        .as("%s: %s", name, tensor)
                        .isCloseTo(length, within(TOLERANCE * (length + TOLERANCE)));
                assertThat(product)
                        .as("%s: %s", name, tensor)
                        .isCloseTo(
                                wanted.path(tensor).path(1).asDouble(),
                                within(TOLERANCE * (length + TOLERANCE) * Math.sqrt(found.length / 12.0 + 1)));
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
