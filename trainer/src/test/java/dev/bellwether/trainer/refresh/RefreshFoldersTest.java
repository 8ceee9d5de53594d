package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.EventJson;
import dev.bellwether.event.RefreshProgress.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
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
                        Refresh.Order.first("support", "v", "default", "default", Refresh.Until.PUBLISH),
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
    void knowWhichCandidatesTheGateLetThrough() throws IOException {
        RefreshFolders folders = new RefreshFolders(directory);
        assertThat(folders.passed("support")).isEmpty();
        report(folders, FIRST, "v1", true);
        report(folders, FIRST.plusSeconds(60), null, false);
        report(folders, SECOND, "v2", false);
        begin(folders, SECOND.plusSeconds(60), 3_000);
        assertThat(folders.passed("support")).as("two came to the gate").containsExactly(true, false);
    }

    private static void report(RefreshFolders folders, Instant when, @Nullable String version, boolean passed)
            throws IOException {
        begin(folders, when, 1_000);
        Report report = new Report(version, 100, 50, .7, 1.2, 60, passed, List.of());
        Files.writeString(
                folders.of("support", RefreshFolders.name(when)).resolve("report.json"),
                EventJson.mapper().writeValueAsString(report));
    }

    @Test
    void keepsNothingOfARefreshThatIsOverButWhatCanBeLookedAt() throws IOException {
        RefreshFolders folders = new RefreshFolders(directory);
        String refresh = RefreshFolders.name(FIRST);
        begin(folders, FIRST, 1_000);
        Path folder = folders.of("support", refresh);
        List<String> kept = List.of("plan.json", "pairs.jsonl", "report.json", "external/attempt-1/log.txt");
        List<String> working = List.of(
                "reward",
                "reward-from-default",
                "judge",
                "distilled",
                "sharpened",
                "policy-00007",
                "policy-00008.unfinished",
                "actor",
                "external/attempt-1/out/model.safetensors");
        for (String file : List.of(
                "pairs.jsonl", "report.json", "external/attempt-1/log.txt", "external/attempt-1/in/prompts.jsonl")) {
            write(folder.resolve(file));
        }
        for (String file : working) {
            write(folder.resolve(file));
        }
        folders.forgetInputs();
        assertThat(folder.resolve("external/attempt-1/in"))
                .as("what people wrote")
                .doesNotExist();
        assertThat(working).allMatch(file -> Files.exists(folder.resolve(file)));
        folders.end("support", refresh, SECOND);
        assertThat(working).noneMatch(file -> Files.exists(folder.resolve(file)));
        assertThat(kept).allMatch(file -> Files.exists(folder.resolve(file)));
    }

    @Test
    void keepsPlanAndReportAloneOfRefreshesOfLongAgo() throws IOException {
        RefreshFolders folders = new RefreshFolders(directory);
        List<Instant> begun = List.of(FIRST, FIRST.plusSeconds(60), SECOND, SECOND.plusSeconds(60));
        for (Instant when : begun) {
            report(folders, when, "v", true);
            write(folders.of("support", RefreshFolders.name(when)).resolve("pairs.jsonl"));
            write(folders.of("support", RefreshFolders.name(when)).resolve("external/plan.json"));
            if (!when.equals(begun.get(1))) {
                folders.end("support", RefreshFolders.name(when), when);
            }
        }
        assertThat(folders.thin("support", 2)).as("one is not at its end yet").hasSize(1);
        assertThat(directory.resolve("support/" + RefreshFolders.name(FIRST)))
                .isDirectoryNotContaining(file -> file.endsWith("pairs.jsonl") || file.endsWith("external"))
                .isDirectoryContaining(file -> file.endsWith("report.json"));
        for (Instant when : begun.subList(1, 4)) {
            assertThat(folders.of("support", RefreshFolders.name(when)).resolve("pairs.jsonl"))
                    .exists();
        }
        assertThat(folders.thin("support", 2)).as("twice is once").hasSize(1);
        assertThat(folders.thin("support", 9)).isEmpty();
        assertThat(folders.passed("support")).hasSize(4);
    }

    private static void write(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "");
    }
}
