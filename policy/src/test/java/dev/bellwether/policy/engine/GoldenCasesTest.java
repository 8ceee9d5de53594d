package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.GoldenCases.GoldenCase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GoldenCasesTest {
    private static final Path POLICY = Path.of("../default-policy/artefact");

    @TempDir
    private Path directory;

    private Checkpoint with(List<GoldenCase> cases) throws IOException {
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(POLICY.resolve(name), directory.resolve(name));
        }
        GoldenCases.write(directory, cases);
        return Checkpoint.open(directory);
    }

    @Test
    void findsTheDefaultPolicyComputingWhatItsTrainerDid() {
        assertThatCode(() -> GoldenCases.verify(Checkpoint.open(POLICY), 1, Precision.FLOAT32))
                .doesNotThrowAnyException();
    }

    @Test
    void namesTheTokenThatDiffers() throws IOException {
        Checkpoint checkpoint = with(List.of(new GoldenCase(new int[] {3, 40}, new int[] {50}, new float[] {-1}, .01)));
        assertThatThrownBy(() -> GoldenCases.verify(checkpoint, 1, Precision.FLOAT32))
                .hasMessageContaining("golden case 0: token 0 of the reply")
                .hasMessageContaining("the trainer had -1.00000");
    }

    @Test
    void refusesACaseThatWouldProveNothing() throws IOException {
        Checkpoint checkpoint =
                with(List.of(new GoldenCase(new int[] {3, 40}, new int[] {50}, new float[] {-1}, 1e30)));
        assertThatThrownBy(() -> GoldenCases.verify(checkpoint, 1, Precision.FLOAT32))
                .hasMessageContaining("a tolerance above 0.1");
    }

    @Test
    void refusesTokensThatTheModelDoesNotHave() throws IOException {
        Checkpoint checkpoint =
                with(List.of(new GoldenCase(new int[] {3}, new int[] {1_000_000}, new float[] {-1}, .01)));
        assertThatThrownBy(() -> GoldenCases.verify(checkpoint, 1, Precision.FLOAT32))
                .hasMessageContaining("unknown token 1000000");
    }

    @Test
    void refusesAVersionThatNothingWasComputedFor() throws IOException {
        Checkpoint empty = with(List.of());
        assertThatThrownBy(() -> GoldenCases.verify(empty, 1, Precision.FLOAT32))
                .hasMessageContaining("holds no case");
        Files.delete(directory.resolve("golden.jsonl"));
        assertThatThrownBy(() -> GoldenCases.verify(empty, 1, Precision.FLOAT32))
                .hasMessageContaining("golden.jsonl is missing");
    }
}
