package dev.bellwether.gateway.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.gateway.journal.Spool.Row;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTest {
    @TempDir
    private Path directory = Path.of("");

    private Path file() {
        return directory.resolve("spool.db");
    }

    private static Row row(Spool spool, String text) {
        return new Row(spool.id(), "feedback", "key", text.getBytes(StandardCharsets.UTF_8), 1);
    }

    private static List<String> texts(Spool spool) throws SQLException {
        return spool.oldest(0, 100_000).stream()
                .map(row -> new String(row.value(), StandardCharsets.UTF_8))
                .toList();
    }

    @Test
    void keepsWhatItTookInItsOrderAndGoesOnCounting() throws IOException, SQLException {
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            Row one = row(spool, "one");
            spool.write(List.of(one, row(spool, "two")), List.of());
            spool.write(List.of(row(spool, "three")), List.of(one.id()));
            assertThat(spool.rows()).isEqualTo(2);
        }
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            assertThat(texts(spool)).containsExactly("two", "three");
            assertThat(spool.rows()).isEqualTo(2);
            assertThat(spool.id()).isGreaterThan(spool.oldest(0, 2).getLast().id());
        }
    }

    @Test
    void refusesWhatDoesNotFitAndKeepsAllThatItTook() throws IOException, SQLException {
        String large = "x".repeat(20_000);
        try (Spool spool = Spool.open(file(), 1 << 20)) {
            List<Row> taken = new ArrayList<>();
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 1_000; i++) {
                            Row row = row(spool, large + i);
                            spool.write(List.of(row), List.of());
                            taken.add(row);
                        }
                    })
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("full");
            assertThat(taken).hasSizeBetween(30, 60);
            assertThat(spool.bytes()).isLessThanOrEqualTo(1 << 20);
            assertThat(spool.oldest(0, 1_000)).extracting(Row::id).containsExactlyElementsOf(ids(taken));
            spool.write(List.of(), ids(taken.subList(0, 10)));
            spool.write(List.of(row(spool, large)), List.of());
            assertThat(spool.rows()).isEqualTo(taken.size() - 9);
        }
    }

    private static List<Long> ids(List<Row> rows) {
        return rows.stream().map(Row::id).toList();
    }

    @Test
    void goesOnWithWhatIsWholeOfADamagedFile() throws IOException, SQLException {
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            List<Row> rows = LongStream.range(0, 2_000)
                    .mapToObj(i -> row(spool, "record " + i + " " + "x".repeat(500)))
                    .toList();
            spool.write(rows, List.of());
        }
        try (RandomAccessFile damaged = new RandomAccessFile(file().toFile(), "rw")) {
            // In the middle of the rows: those before can still be read.
            damaged.seek(damaged.length() * 3 / 4);
            damaged.write(new byte[64 << 10]);
        }
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            assertThat(spool.damaged()).isPositive();
            List<String> texts = texts(spool);
            assertThat(texts).hasSizeGreaterThan(1_000).allMatch(text -> text.startsWith("record "));
            Row more = row(spool, "more");
            spool.write(List.of(more), List.of());
            assertThat(texts(spool)).hasSize(texts.size() + 1).endsWith("more");
        }
        try (var files = Files.list(directory)) {
            assertThat(files.map(each -> each.getFileName().toString())).anyMatch(name -> name.contains(".damaged-"));
        }
    }

    @Test
    void startsAnewWhereTheFileIsNoDatabase() throws IOException, SQLException {
        Files.write(file(), new byte[100_000]);
        Files.writeString(file(), "not a database, whatever it is".repeat(100));
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            spool.write(List.of(row(spool, "one")), List.of());
            assertThat(texts(spool)).containsExactly("one");
        }
    }

    @Test
    void opensWhenItsDiskTakesIt() throws IOException, SQLException {
        Path inTheWay = Files.createDirectories(file());
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            assertThat(spool.open()).isFalse();
            assertThatThrownBy(() -> spool.write(List.of(row(spool, "early")), List.of()))
                    .hasMessageContaining("cannot be opened");
            Files.delete(inTheWay);
            assertThat(spool.open()).isTrue();
            spool.write(List.of(row(spool, "one")), List.of());
            assertThat(texts(spool)).containsExactly("one");
        }
    }

    @Test
    void putsAsideWhatCanNeverBeSent() throws IOException, SQLException {
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            Row one = row(spool, "one");
            spool.write(List.of(one, row(spool, "two")), List.of());
            spool.putAside(List.of(one.id()));
            assertThat(texts(spool)).containsExactly("two");
            assertThat(spool.rows()).isEqualTo(1);
            assertThat(spool.damaged()).isEqualTo(1);
        }
    }

    @Test
    void setsARecordAsideThatIsNotWhatWasWritten() throws IOException, SQLException {
        long second;
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            Row two = row(spool, "two");
            second = two.id();
            spool.write(List.of(row(spool, "one"), two, row(spool, "three")), List.of());
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE spool SET value = x'ff' WHERE id = " + second);
        }
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            assertThat(texts(spool)).containsExactlyInAnyOrder("one", "three");
            assertThat(spool.damaged()).isEqualTo(1);
            assertThat(spool.rows()).isEqualTo(2);
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement();
                ResultSet aside = statement.executeQuery("SELECT id, value FROM damaged")) {
            assertThat(aside.next()).isTrue();
            assertThat(aside.getLong(1)).isEqualTo(second);
            assertThat(aside.getBytes(2)).containsExactly(0xff);
        }
    }

    @Test
    void setsARecordAsideThatLacksItsValue() throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE TABLE spool (id INTEGER PRIMARY KEY, topic TEXT, key TEXT, value BLOB, time INTEGER,"
                            + " sum INTEGER)");
            statement.execute("INSERT INTO spool (id, topic, key, time, sum) VALUES (1, 'feedback', 'k', 1, 0)");
        }
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            spool.write(List.of(row(spool, "whole")), List.of());
            assertThat(texts(spool)).containsExactly("whole");
            assertThat(spool.damaged()).isEqualTo(1);
        }
    }

    @Test
    void keepsNothingOnTheDiskOfWhatHasLeft() throws IOException, SQLException {
        try (Spool spool = Spool.open(file(), 16 << 20)) {
            Row secret = row(spool, "mia's secret");
            spool.write(List.of(secret), List.of());
            spool.write(List.of(), List.of(secret.id()));
            spool.clean();
            try (Stream<Path> files = Files.list(directory)) {
                for (Path each : files.toList()) {
                    assertThat(Files.readString(each, StandardCharsets.ISO_8859_1))
                            .as("%s", each)
                            .doesNotContain("mia's secret");
                }
            }
        }
    }

    @Test
    void deletesWhatWasSetAsideLongAgo() throws IOException {
        Path old = Files.writeString(directory.resolve(file().getFileName() + ".damaged-1"), "old");
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(40))));
        Path young = Files.writeString(directory.resolve(file().getFileName() + ".damaged-2"), "young");
        Spool.open(file(), 16 << 20).close();
        assertThat(old).doesNotExist();
        assertThat(young).exists();
    }
}
