package dev.bellwether.trainer.external;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that behave as trainers on several processes do. */
class ExternalProcessTest {
    private static final String CHILD = "sleep 600 & echo $! > child; ";

    @TempDir
    private Path directory = Path.of("");

    private final List<Double> progress = new ArrayList<>();

    private void run(String command, Duration silenceMax) throws IOException {
        try (Attempt attempt = Attempt.begin(directory)) {
            ExternalConfig config =
                    new ExternalConfig(List.of("bash", "-c", command), Duration.ofMinutes(1), silenceMax);
            new ExternalProcess(config, attempt, new CommandOutput(attempt.log(), (done, _) -> progress.add(done)))
                    .run(directory, Map.of());
        }
    }

    private void assertChildEnds() throws IOException {
        long child = Long.parseLong(Files.readString(directory.resolve("child")).strip());
        Awaitility.await()
                .until(() ->
                        ProcessHandle.of(child).filter(ProcessHandle::isAlive).isEmpty());
    }

    @Test
    void takesWhatACommandMadeThatLeavesAServerBehind() throws IOException {
        run(CHILD + "echo '{\"progress\": 0.5}'", Duration.ofMinutes(1));
        assertThat(progress).containsExactly(.5);
        assertChildEnds();
    }

    @Test
    void endsTheChildrenOfACommandThatWasKilled() throws IOException {
        assertThatThrownBy(() -> run(CHILD + "kill -9 $$", Duration.ofMinutes(1)))
                .isInstanceOf(ExternalTrainingException.class)
                .hasMessageContaining("status 137");
        assertChildEnds();
    }

    @Test
    void endsTheChildrenOfACommandThatIsSilent() throws IOException {
        assertThatThrownBy(() -> run(CHILD + "wait", Duration.ofSeconds(1)))
                .isInstanceOf(ExternalTrainingException.class)
                .hasMessageContaining("said nothing");
        assertChildEnds();
    }

    @Test
    void endsWhatATrainerLeftThatWasKilled() throws IOException {
        Process left = process(directory.resolve("attempt-1/out"));
        Process ofAnother = process(directory.resolve("elsewhere/attempt-1/out"));
        try {
            ExternalProcess.endAll(Attempt.prefix(directory));
            assertThat(left.isAlive()).isFalse();
            assertThat(ofAnother.isAlive()).isTrue();
        } finally {
            left.destroyForcibly();
            ofAnother.destroyForcibly();
        }
    }

    private static Process process(Path out) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("sleep", "600");
        builder.environment().put("BELLWETHER_OUT", out.toString());
        return builder.start();
    }

    @Test
    void keepsTheInputOfAnAttemptWhoseTrainerLives() throws IOException {
        try (Attempt living = Attempt.begin(directory)) {
            Attempt.deleteInputs(directory);
            assertThat(living.in()).exists();
        }
        assertThat(directory.resolve("attempt-1/in")).doesNotExist();
        Files.createDirectory(directory.resolve("attempt-1/in"));
        Attempt.deleteInputs(directory);
        assertThat(directory.resolve("attempt-1/in"))
                .as("whose trainer was killed")
                .doesNotExist();
    }

    @Test
    void keepsTheBeginningOfALineWithoutEnd() throws IOException {
        Path log = directory.resolve("log.txt");
        CommandOutput output = new CommandOutput(log, (_, _) -> {});
        output.read(new ByteArrayInputStream("x".repeat(5_000_000).getBytes(StandardCharsets.UTF_8)));
        assertThat(Files.size(log)).isLessThan(20_000);
        assertThat(output.lastLines()).startsWith("xxx").hasSizeLessThan(20_000);
    }

    @Test
    void boundsTheLogAndKeepsTheEnd() throws IOException {
        Path log = directory.resolve("log.txt");
        CommandOutput output = new CommandOutput(log, (_, _) -> {});
        String line = "y".repeat(9_000) + "\n";
        output.read(new ByteArrayInputStream(line.repeat(8_000).getBytes(StandardCharsets.UTF_8)));
        assertThat(Files.size(log)).isBetween(60L << 20, 65L << 20);
        assertThat(output.lastLines()).endsWith("yyy");
    }
}
