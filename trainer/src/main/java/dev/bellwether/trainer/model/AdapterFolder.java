package dev.bellwether.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.trainer.tensor.StoredTensor;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Low-rank adapters as PEFT keeps them: {@code adapter_config.json} and {@code adapter_model.safetensors}.
 *
 * @see <a href="https://huggingface.co/docs/peft/developer_guides/checkpoint">PEFT's checkpoint format</a>
 */
public final class AdapterFolder {
    private static final String CONFIG = "adapter_config.json";
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NAME = Pattern.compile(".*\\.(\\w+)\\.lora_[AB]\\.weight");

    /** What would have to be computed otherwise than W + alpha/r·B·A, by its field and the value that leaves it out. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "use_dora", "false",
            "use_rslora", "false",
            "fan_in_fan_out", "false",
            "bias", "none",
            "rank_pattern", "{}",
            "alpha_pattern", "{}",
            "modules_to_save", "null",
            "trainable_token_indices", "null",
            "layer_replication", "null",
            "alora_invocation_tokens", "null");

    private AdapterFolder() {}

    /** Writes the adapters of {@code weights} into a new folder; {@code base} says what they are adapters of. */
    public static void write(Weights weights, CheckpointConfig config, Path folder, String base) throws IOException {
        LoraConfig lora = weights.lora().orElseThrow(() -> new IllegalArgumentException("there are no adapters"));
        Files.createDirectories(folder);
        Files.deleteIfExists(folder.resolve(WEIGHTS));
        Safetensors.write(folder.resolve(WEIGHTS), lora.tensors(config), NumberFormat.F32, (shape, channel) -> {
            try (PointerScope _ = new PointerScope()) {
                Torch.write(weights.get(shape.name()).detach().cpu().contiguous(), channel);
            }
        });
        ObjectNode json = JSON.createObjectNode();
        json.put("peft_type", "LORA").put("task_type", "CAUSAL_LM").put("base_model_name_or_path", base);
        json.put("r", lora.rank())
                .put("lora_alpha", lora.alpha())
                .put("lora_dropout", 0.0)
                .put("bias", "none");
        lora.targets().forEach(json.putArray("target_modules")::add);
        json.put("inference_mode", true);
        Files.writeString(folder.resolve(CONFIG), json.toPrettyString() + System.lineSeparator());
    }

    /**
     * Adapters over {@code base}, which stays shared.
     *
     * @throws UnsupportedCheckpointException by the name of what is not supported, or does not fit the base
     */
    public static Weights read(Weights base, CheckpointConfig config, Path folder) {
        JsonNode json = config(folder);
        Safetensors file = Safetensors.open(folder.resolve(WEIGHTS));
        List<String> targets = file.entries().keySet().stream()
                .map(AdapterFolder::target)
                .distinct()
                .toList();
        LoraConfig lora = lora(json, targets);
        Weights adapted = base.trainable(config, Optional.of(lora), 1);
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard();
                Arena arena = Arena.ofConfined()) {
            for (Safetensors.Entry entry : file.entries().values()) {
                TensorShape found = new TensorShape(entry.name(), entry.dimensions());
                if (lora.tensors(config).stream().noneMatch(found::equals)) {
                    throw new UnsupportedCheckpointException("adapter: tensor %s %s does not fit the base, of rank %d"
                            .formatted(found.name(), found.dimensions(), lora.rank()));
                }
                Tensor into = adapted.get(entry.name());
                into.copy_(StoredTensor.mapped(new Checkpoint.Location(file, entry), arena));
                if (!into.isfinite().all().item_bool()) {
                    throw new UnsupportedCheckpointException(
                            "adapter: tensor %s holds a number that is not finite".formatted(entry.name()));
                }
            }
            return adapted;
        } catch (RuntimeException | Error e) {
            adapted.close();
            throw e;
        }
    }

    private static JsonNode config(Path folder) {
        try {
            JsonNode json = JSON.readTree(folder.resolve(CONFIG).toFile());
            if (!json.path("peft_type").asText().equals("LORA")) {
                throw new UnsupportedCheckpointException(
                        "%s: peft_type %s is not supported, only LORA is".formatted(CONFIG, json.path("peft_type")));
            }
            UNSUPPORTED.forEach((field, without) -> {
                JsonNode value = json.path(field);
                if (!value.isMissingNode()
                        && !value.isNull()
                        && !value.asText().equals(without)
                        && !value.toString().equals(without)) {
                    throw new UnsupportedCheckpointException(
                            "%s: %s %s is not supported".formatted(CONFIG, field, value));
                }
            });
            return json;
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(folder.resolve(CONFIG), e);
        }
    }

    private static LoraConfig lora(JsonNode json, List<String> targets) {
        try {
            return new LoraConfig(
                    json.path("r").asInt(), json.path("lora_alpha").asDouble(), targets);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedCheckpointException("%s: %s".formatted(CONFIG, e.getMessage()), e);
        }
    }

    private static String target(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            throw new UnsupportedCheckpointException(
                    "adapter: tensor %s is none of a low-rank adapter".formatted(name));
        }
        return matcher.group(1);
    }
}
