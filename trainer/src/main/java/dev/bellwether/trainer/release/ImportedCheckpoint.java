package dev.bellwether.trainer.release;

import ai.djl.ndarray.NDManager;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Sample;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A Hugging Face checkpoint from outside as a version of a bot. */
public final class ImportedCheckpoint {
    private ImportedCheckpoint() {}

    /** Publishes {@code checkpoint} with golden cases of its own, and checks that it serves as the trainer computed. */
    public static Path publish(PolicyStore store, String bot, String version, Path checkpoint) throws IOException {
        Checkpoint source = Checkpoint.open(checkpoint);
        try (NDManager manager = NDManager.newBaseManager()) {
            Path path = new Publication(store, manager)
                    .publish(
                            ArtefactLabel.added(bot, version, ArtefactKind.CHECKPOINT, Instant.now()),
                            source.config(),
                            source.parameters(),
                            checkpoint,
                            examples(source));
            GoldenCases.verify(store.open(bot, version), 1);
            return path;
        }
    }

    /** Replies of the policy itself to a few prompts. */
    private static List<Sample> examples(Checkpoint checkpoint) {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
                GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(8, 256, 16, 1, 256))) {
            List<int[]> prompts = Publication.QUESTIONS.stream()
                    .map(text -> tokenizer.prompt(List.of(Turn.user(text))))
                    .toList();
            List<Completion> completions = engine.generate(prompts, Sampling.at(.7, 48, 1), Duration.ofMinutes(5));
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                samples.add(Sample.of(prompts.get(i), completions.get(i).sampled()));
            }
            return samples;
        }
    }
}
