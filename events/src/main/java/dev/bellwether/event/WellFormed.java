package dev.bellwether.event;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.deser.std.StringDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;

/**
 * Text in which every surrogate has its other half. JSON can spell half a character as an escape, but no UTF-8 file can
 * hold it, so what comes in is made well-formed once, at the door, and whatever reads a record may write it anywhere.
 */
public final class WellFormed {
    private static final char REPLACEMENT = '\uFFFD';

    private WellFormed() {}

    /** {@code text} with U+FFFD in place of each half of a character. */
    public static String text(String text) {
        int wrong = firstLone(text);
        if (wrong < 0) {
            return text;
        }
        StringBuilder repaired = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char unit = text.charAt(i);
            if (!Character.isSurrogate(unit)) {
                repaired.append(unit);
            } else if (pairAt(text, i)) {
                repaired.append(unit).append(text.charAt(++i));
            } else {
                repaired.append(REPLACEMENT);
            }
        }
        return repaired.toString();
    }

    private static int firstLone(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (!pairAt(text, i)) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }

    private static boolean pairAt(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                && i + 1 < text.length()
                && Character.isLowSurrogate(text.charAt(i + 1));
    }

    /** Makes every text that is read well-formed; half a character in a key the parser itself refuses. */
    static SimpleModule module() {
        SimpleModule module = new SimpleModule("well-formed-text");
        module.addDeserializer(String.class, new Reader());
        return module;
    }

    private static final class Reader extends StdScalarDeserializer<String> {
        private static final long serialVersionUID = 1;

        private Reader() {
            super(String.class);
        }

        @Override
        public String deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            return text(StringDeserializer.instance.deserialize(parser, context));
        }
    }
}
