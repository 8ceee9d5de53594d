package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefreshFoldersTest {
    private static final Instant FIRST = Instant.parse("2026-03-01T10:00:00Z");
    private static final Instant SECOND = Instant.parse("2026-03-02T10:00:00Z");

    @TempDir
    private Path directory = Path.of("");

    private void begin(Instant when, long judgedUntil) throws IOException {
        RefreshPlan plan = new RefreshPlan(
                new Refresh.Order("support", "v", "default", "default", Refresh.Until.PUBLISH),
                RefreshConfig.defaults(),
                judgedUntil);
        plan.write(directory.resolve("support").resolve(RefreshFolders.name(when)));
    }

    @Test
    void knowAfterARestartWhatWasBegunLearnedAndNotEnded() throws IOException {
        RefreshFolders folders = new RefreshFolders(directory);
        assertThat(folders.begun("support")).isEqualTo(Instant.EPOCH);
        assertThat(folders.learnedUntil("support")).isEqualTo(Instant.EPOCH);
        assertThat(folders.unfinished("support")).isEmpty();
        begin(FIRST, 1_000);
        begin(SECOND, 2_000);
        Files.writeString(folders.of("support", RefreshFolders.name(FIRST)).resolve("announced"), "");
        assertThat(folders.begun("support")).isEqualTo(SECOND);
        assertThat(folders.learnedUntil("support")).isEqualTo(Instant.ofEpochMilli(2_000));
        assertThat(folders.unfinished("support")).contains(RefreshFolders.name(SECOND));
        assertThat(folders.unfinished("sales")).isEmpty();
        Files.writeString(folders.of("support", RefreshFolders.name(SECOND)).resolve("announced"), "");
        assertThat(folders.unfinished("support")).isEmpty();
    }
}
