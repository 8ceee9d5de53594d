package dev.bellwether.simulation.benchmark;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where an HTTP/1.1 message in a buffer ends: as little of the protocol as a load generator needs. */
final class HttpMessage {
    private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: *(\\d+)");
    private static final byte[] LAST_CHUNK = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private HttpMessage() {}

    /** Whether the bytes up to the buffer's position are one whole message. */
    static boolean complete(ByteBuffer buffer) {
        int head = headEnd(buffer);
        if (head < 0) {
            return false;
        }
        Matcher length = LENGTH.matcher(text(buffer, head));
        return length.find()
                ? buffer.position() >= head + Integer.parseInt(length.group(1))
                : endsWith(buffer, LAST_CHUNK);
    }

    /** The status of a response; 0 of what is none. */
    static int status(ByteBuffer buffer) {
        String line = text(buffer, Math.min(buffer.position(), 12));
        return line.length() == 12 ? Integer.parseInt(line.substring(9)) : 0;
    }

    static String text(ByteBuffer buffer, int length) {
        byte[] bytes = new byte[length];
        buffer.get(0, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static int headEnd(ByteBuffer buffer) {
        for (int at = 3; at < buffer.position(); at++) {
            if (buffer.get(at) == '\n'
                    && buffer.get(at - 1) == '\r'
                    && buffer.get(at - 2) == '\n'
                    && buffer.get(at - 3) == '\r') {
                return at + 1;
            }
        }
        return -1;
    }

    private static boolean endsWith(ByteBuffer buffer, byte[] end) {
        int from = buffer.position() - end.length;
        for (int i = 0; i < end.length; i++) {
            if (from < 0 || buffer.get(from + i) != end[i]) {
                return false;
            }
        }
        return true;
    }
}
