package dev.bellwether.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchedFileTest {
    @TempDir
    private Path directory = Path.of("");

    private Path path = Path.of("");

    @BeforeEach
    void write() throws IOException {
        path = directory.resolve("number.txt");
        Files.writeString(path, "1");
    }

    @Test
    void givesTheContentsAsTheyAreNow() throws IOException {
        try (WatchedFile<Integer> number = new WatchedFile<>(path, Integer::valueOf).watch()) {
            Files.writeString(path, "2");
            Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> number.value() == 2);
        }
    }

    @Test
    void keepsTheLastGoodContentsWhenTheNewAreRefusedOrGone() throws IOException {
        WatchedFile<Integer> number = new WatchedFile<>(path, Integer::valueOf);
        Files.writeString(path, "two");
        number.reload();
        number.reload();
        assertThat(number.value()).isEqualTo(1);
        Files.delete(path);
        number.reload();
        assertThat(number.value()).isEqualTo(1);
        Files.writeString(path, "3");
        number.reload();
        assertThat(number.value())
                .as("it may be in the middle of being written")
                .isEqualTo(1);
        number.reload();
        assertThat(number.value()).isEqualTo(3);
    }

    @Test
    void doesNotStartFromContentsThatAreRefused() throws IOException {
        Files.writeString(path, "two");
        assertThatThrownBy(() -> new WatchedFile<>(path, Integer::valueOf))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("number.txt")
                .hasMessageContaining("two");
    }
}
