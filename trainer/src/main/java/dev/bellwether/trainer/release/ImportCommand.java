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
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train import}: takes a Hugging Face checkpoint into the store as a version of a bot. */
@Command(name = "import", description = "Take a Hugging Face checkpoint folder into the store as a bot's version.")
public final class ImportCommand implements Callable<Integer> {
    @Option(names = "--checkpoint", required = true, description = "Hugging Face checkpoint folder.")
    private Path checkpoint = Path.of("");

    @Option(names = "--store", required = true, description = "Policy store, DATA/store of an installation.")
    private Path store = Path.of("");

    @Option(names = "--bot", defaultValue = "support", description = "Bot (${DEFAULT-VALUE}).")
    private String bot = "";

    @Option(names = "--version", required = true, description = "Name of the version.")
    private String version = "";

    @Override
    public Integer call() throws IOException {
        PolicyStore policies = new PolicyStore(store);
        if (policies.contains(bot, version)) {
            System.err.printf("the store has a version %s of %s already; name another%n", version, bot);
            return 2;
        }
        Checkpoint source = Checkpoint.open(checkpoint);
        try (NDManager manager = NDManager.newBaseManager()) {
            Path path = new Publication(policies, manager)
                    .publish(
                            ArtefactLabel.added(bot, version, ArtefactKind.CHECKPOINT, Instant.now()),
                            source.config(),
                            source.parameters(),
                            checkpoint,
                            examples(source));
            GoldenCases.verify(policies.open(bot, version), 1);
            System.out.printf("version %s of %s in %s%n", version, bot, path);
        }
        return 0;
    }

    /** Replies of the policy itself to a few prompts. */
    static List<Sample> examples(Checkpoint checkpoint) {
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
