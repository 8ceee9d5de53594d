package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventReaderTest {
    private static final String STREAM = """
            : hello

            data: {"a": "ü\uD83D\uDE42"}

            event: x
            id: 7
            data:one
            data: two



            data

            data: [DONE]

            """;

    private static List<String> read(byte[] bytes, int piece) {
        EventReader reader = new EventReader();
        List<String> events = new ArrayList<>();
        for (int from = 0; from < bytes.length; from += piece) {
            events.addAll(reader.read(Buffer.buffer().appendBytes(bytes, from, Math.min(piece, bytes.length - from))));
        }
        events.addAll(reader.end());
        return events;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 1_000})
    void readsEventsHoweverTheStreamIsCut(int piece) {
        for (String ends : List.of("\n", "\r\n", "\r")) {
            byte[] bytes = STREAM.replace("\n", ends).getBytes(StandardCharsets.UTF_8);
            assertThat(read(bytes, piece)).containsExactly("{\"a\": \"ü\uD83D\uDE42\"}", "one\ntwo", "[DONE]");
        }
    }

    @Test
    void endsAnEventWithTheStream() {
        assertThat(read("data: last".getBytes(StandardCharsets.UTF_8), 4)).containsExactly("last");
    }

    @Test
    void boundsAnEvent() {
        EventReader reader = new EventReader();
        Buffer half = Buffer.buffer("data: " + "x".repeat(600_000));
        assertThat(reader.read(half)).isEmpty();
        assertThatThrownBy(() -> reader.read(half)).isInstanceOf(EventReader.EventTooLargeException.class);
    }
}
