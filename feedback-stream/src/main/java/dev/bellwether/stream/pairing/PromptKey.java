package dev.bellwether.stream.pairing;

import dev.bellwether.event.Message;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Hashes by which prompts and pairs are recognised. */
public final class PromptKey {
    private static final Pattern BLANKS = Pattern.compile("\\s+");

    private PromptKey() {}

    /** The same for two conversations that differ in Unicode form, case and white space only. */
    public static String of(String bot, List<Message> prompt) {
        StringBuilder text = new StringBuilder(bot);
        for (Message message : prompt) {
            String normal = Normalizer.normalize(message.content(), Normalizer.Form.NFKC)
                    .toLowerCase(Locale.ROOT)
                    .strip();
            normal = BLANKS.matcher(normal).replaceAll(" ");
            text.append('\u0000').append(message.role()).append('\u0001').append(normal);
            if (message.toolCalls() != null) {
                text.append('\u0002').append(message.toolCalls());
            }
        }
        return hash(text.toString());
    }

    static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
