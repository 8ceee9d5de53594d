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

    /** The events that {@code bytes} completes. */
    List<String> read(Buffer bytes) {
        List<String> events = new ArrayList<>();
        for (int i = 0; i < bytes.length(); i++) {
            byte next = bytes.getByte(i);
            boolean secondOfTwo = next == '\n' && afterReturn;
            afterReturn = next == '\r';
            if (secondOfTwo) {
                continue;
            }
            if (next == '\n' || next == '\r') {
                endLine(events);
            } else {
                line.write(next);
                if (line.size() + data.length() > EVENT_BYTES_MAX) {
                    throw new EventTooLargeException();
                }
            }
        }
        return events;
    }

    /** The event that the end of the stream completes, if one was begun; some services leave out its last line. */
    List<String> end() {
        List<String> events = new ArrayList<>();
        endLine(events);
        endLine(events);
        return events;
    }

    private void endLine(List<String> events) {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
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
