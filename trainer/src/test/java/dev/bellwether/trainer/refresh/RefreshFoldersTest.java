package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefreshFoldersTest {
    private static final Instant FIRST = Instant.parse("2026-03-01T10:00:00Z");
    private static final Instant SECOND = Instant.parse("2026-03-02T10:00:00Z");

    @TempDir
    private Path directory = Path.of("");

    private static void begin(RefreshFolders folders, Instant when, long judgedUntil) throws IOException {
        folders.begin(
                RefreshFolders.name(when),
                new RefreshPlan(
                        new Refresh.Order("support", "v", "default", "default", Refresh.Until.PUBLISH),
                        RefreshConfig.defaults(),
                        judgedUntil));
    }

    @Test
    void knowAfterARestartWhatWasBegunLearnedAndNotEnded() throws IOException {
        RefreshFolders before = new RefreshFolders(directory);
        assertThat(before.begun("support")).isEqualTo(Instant.EPOCH);
        assertThat(before.learnedUntil("support")).isEqualTo(Instant.EPOCH);
        assertThat(before.unfinished("support")).isEmpty();
        begin(before, FIRST, 1_000);
        assertThat(before.learnedUntil("support")).isEqualTo(Instant.ofEpochMilli(1_000));
        before.end("support", RefreshFolders.name(FIRST), SECOND);
        begin(before, SECOND, 2_000);
        assertThat(before.learnedUntil("support")).isEqualTo(Instant.ofEpochMilli(2_000));
        RefreshFolders after = new RefreshFolders(directory);
        assertThat(after.begun("support")).isEqualTo(SECOND);
        assertThat(after.learnedUntil("support")).isEqualTo(Instant.ofEpochMilli(2_000));
        assertThat(after.unfinished("support")).contains(RefreshFolders.name(SECOND));
        assertThat(after.unfinished("sales")).isEmpty();
        after.end("support", RefreshFolders.name(SECOND), SECOND);
        assertThat(after.unfinished("support")).isEmpty();
    }

    @Test
    void keepsNothingOfARefreshThatIsOverButWhatCanBeLookedAt() throws IOException {
        RefreshFolders folders = new RefreshFolders(directory);
        String refresh = RefreshFolders.name(FIRST);
        begin(folders, FIRST, 1_000);
        Path folder = folders.of("support", refresh);
        List<String> kept = List.of("plan.json", "pairs.jsonl", "report.json", "external/log.txt");
        List<String> working = List.of(
                "reward",
                "reward-from-default",
                "judge",
                "distilled",
                "ppo-00007",
                "ppo-00008.unfinished",
                "actor",
                "external/out-1/model.safetensors");
        for (String file : List.of("pairs.jsonl", "report.json", "external/log.txt", "external/in/prompts.jsonl")) {
            write(folder.resolve(file));
        }
        for (String file : working) {
            write(folder.resolve(file));
        }
        folders.forgetInputs();
        assertThat(folder.resolve("external/in")).as("what people wrote").doesNotExist();
        assertThat(working).allMatch(file -> Files.exists(folder.resolve(file)));
        folders.end("support", refresh, SECOND);
        assertThat(working).noneMatch(file -> Files.exists(folder.resolve(file)));
        assertThat(kept).allMatch(file -> Files.exists(folder.resolve(file)));
    }

    private static void write(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "");
    }
}
