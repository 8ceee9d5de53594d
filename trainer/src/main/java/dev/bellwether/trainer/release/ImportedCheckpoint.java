package dev.bellwether.trainer.release;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A Hugging Face checkpoint from outside as a version of a bot.
 *
 * @param path where the version lies
 * @param warnings what its maker may have forgotten
 */
public record ImportedCheckpoint(Path path, List<String> warnings) {

    /** Publishes {@code checkpoint} with golden cases of its own, and checks that it serves as the trainer computed. */
    public static ImportedCheckpoint publish(PolicyStore store, String bot, String version, Path checkpoint)
            throws IOException {
        return publish(store, bot, version, checkpoint, Optional.empty());
    }

    /**
     * The same.
     *
     * @param adapter a PEFT folder of low-rank adapters, which are merged into the weights
     */
    public static ImportedCheckpoint publish(
            PolicyStore store, String bot, String version, Path checkpoint, Optional<Path> adapter) throws IOException {
        List<String> warnings = warnings(checkpoint);
        ArtefactLabel label = ArtefactLabel.added(bot, version, ArtefactKind.CHECKPOINT, Instant.now());
        Publication publication = new Publication(store);
        Path path = adapter.isPresent()
                ? publication.publish(label, checkpoint, adapter.get())
                : publication.publish(label, checkpoint);
        return new ImportedCheckpoint(path, warnings);
    }

    private static List<String> warnings(Path checkpoint) {
        List<String> warnings = new ArrayList<>();
        CheckpointConfig config = CheckpointConfig.read(checkpoint);
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint)) {
            if (!tokenizer.ownTemplate()) {
                warnings.add("the checkpoint has no chat template; its prompts are ChatML");
            }
            tokenizer
                    .unendedTurn(config.endTokens())
                    .ifPresent(
                            token -> warnings.add(("the chat template ends the assistant's turns with '%s', which is no"
                                            + " end token of config.json or generation_config.json: replies may run on behind it")
                                    .formatted(token)));
        }
        return warnings;
    }
}
