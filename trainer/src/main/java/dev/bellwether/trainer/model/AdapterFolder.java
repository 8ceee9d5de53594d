package dev.bellwether.trainer.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.Adapter;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.trainer.tensor.StoredTensor;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * Low-rank adapters as PEFT keeps them: {@code adapter_config.json} and {@code adapter_model.safetensors}.
 *
 * @see <a href="https://huggingface.co/docs/peft/developer_guides/checkpoint">PEFT's checkpoint format</a>
 */
public final class AdapterFolder {
    private static final ObjectMapper JSON = new ObjectMapper();

    private AdapterFolder() {}

    /** Writes the adapters of {@code weights} into a new folder; {@code base} says what they are adapters of. */
    public static void write(Weights weights, CheckpointConfig config, Path folder, String base) throws IOException {
        LoraConfig lora = weights.lora().orElseThrow(() -> new IllegalArgumentException("there are no adapters"));
        Files.createDirectories(folder);
        Files.deleteIfExists(folder.resolve(Adapter.WEIGHTS));
        Safetensors.write(folder.resolve(Adapter.WEIGHTS), lora.tensors(config), NumberFormat.F32, (shape, channel) -> {
            try (PointerScope _ = Torch.scope()) {
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
        Files.writeString(folder.resolve(Adapter.CONFIG), json.toPrettyString() + System.lineSeparator());
    }

    /**
     * Adapters over {@code base}, which stays shared.
     *
     * @throws UnsupportedCheckpointException by the name of what is not supported, or does not fit the base
     */
    public static Weights read(Weights base, CheckpointConfig config, Path folder) {
        Adapter adapter = Adapter.open(folder, config);
        Weights adapted = base.trainable(config, Optional.of(adapter.lora()), 1);
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard();
                Arena arena = Arena.ofConfined()) {
            for (String name : adapter.entries().keySet()) {
                adapted.get(name).copy_(StoredTensor.mapped(adapter.location(name), arena));
            }
            return adapted;
        } catch (RuntimeException | Error e) {
            adapted.close();
            throw e;
        }
    }
}
