package dev.bellwether.gateway.serving;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes the data of server-sent events out of a stream of bytes, however it is cut.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">Server-sent events</a>
 */
final class EventReader {
    private static final int EVENT_BYTES_MAX = 1 << 20;
    private static final String DATA = "data:";
    private static final byte[] NOTHING = {};

    private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    private final StringBuilder data = new StringBuilder();
    private boolean hasData;
    private boolean afterReturn;

    /** An event is larger than any that a chat service sends. */
    static final class EventTooLargeException extends RuntimeException {
        EventTooLargeException() {
            super("an event of the stream is larger than %d bytes".formatted(EVENT_BYTES_MAX));
        }
    }

    /** The events that {@code piece} completes. */
    List<String> read(Buffer piece) {
        List<String> events = new ArrayList<>();
        byte[] bytes = piece.getBytes();
        int from = 0;
        for (int i = 0; i < bytes.length; i++) {
            byte next = bytes[i];
            if (next != '\n' && next != '\r') {
                continue;
            }
            boolean secondOfTwo = next == '\n' && (i > 0 ? bytes[i - 1] == '\r' : afterReturn);
            if (!secondOfTwo) {
                endLine(bytes, from, i, events);
            }
            from = i + 1;
        }
        if (bytes.length > 0) {
            afterReturn = bytes[bytes.length - 1] == '\r';
        }
        line.write(bytes, from, bytes.length - from);
        if (line.size() + data.length() > EVENT_BYTES_MAX) {
            throw new EventTooLargeException();
        }
        return events;
    }

    /** The event that the end of the stream completes, if one was begun; some services leave out its last line. */
    List<String> end() {
        List<String> events = new ArrayList<>();
        endLine(NOTHING, 0, 0, events);
        endLine(NOTHING, 0, 0, events);
        return events;
    }

    /** A line ends with {@code bytes[from … to)}. */
    private void endLine(byte[] bytes, int from, int to, List<String> events) {
        String text;
        if (line.size() == 0) {
            text = new String(bytes, from, to - from, StandardCharsets.UTF_8);
        } else {
            line.write(bytes, from, to - from);
            text = line.toString(StandardCharsets.UTF_8);
            line.reset();
        }
        if (text.isEmpty()) {
            if (hasData) {
                events.add(data.toString());
            }
            data.setLength(0);
            hasData = false;
        } else if (text.startsWith(DATA)) {
            if (hasData) {
                data.append('\n');
            }
            hasData = true;
            data.append(text, text.startsWith(" ", DATA.length()) ? DATA.length() + 1 : DATA.length(), text.length());
        }
    }
}
