package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.release.Publication;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** A policy that knows nothing and is trained in a moment. */
final class SmallPolicy {
    private SmallPolicy() {}

    /** A store in {@code directory}, with the policy as version {@code default} of the bot {@code support}. */
    static PolicyStore store(Path directory) throws IOException {
        Path model = Files.createDirectories(directory.resolve("small"));
        CheckpointFiles.copyTokenizer(Path.of("../default-policy/artefact"), model);
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 4096, "hidden_size": 64, "intermediate_size": 128,
                 "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": true}
                """);
        CheckpointConfig config = CheckpointConfig.read(model);
        try (Weights weights = Weights.random(config, 1, ComputeDevice.CPU)) {
            weights.write(model, config, NumberFormat.F32);
        }
        PolicyStore store = new PolicyStore(directory.resolve("store"));
        new Publication(store)
                .publish(ArtefactLabel.added("support", "default", ArtefactKind.CHECKPOINT, Instant.EPOCH), model);
        return store;
    }
}
