package dev.bellwether.policy.engine;

import dev.bellwether.policy.prompt.PolicyTokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * The text of a reply as its tokens arrive: whole characters only, and cut before the first stop sequence.
 *
 * <p>What could still turn out to be the beginning of a stop sequence is held back.
 */
public final class ReplyText {
    private static final char UNFINISHED = '\uFFFD';

    private final PolicyTokenizer tokenizer;
    private final List<String> stops;
    private int[] tokens = new int[64];
    private int count;
    private int decodedFrom;
    private int decodedTo;

    /** The text of the tokens from {@code decodedFrom} to {@code decodedTo}. */
    private String known = "";

    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    public ReplyText(PolicyTokenizer tokenizer, List<String> stops) {
        this.tokenizer = tokenizer;
        this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
    }

    /** Takes the next token and returns the text that is now certain, often empty. */
    public String append(int token) {
        if (count == tokens.length) {
            tokens = Arrays.copyOf(tokens, count * 2);
        }
        tokens[count++] = token;
        String text = tokenizer.decode(Arrays.copyOfRange(tokens, decodedFrom, count));
        if (text.length() <= known.length() || text.charAt(text.length() - 1) == UNFINISHED) {
            return "";
        }
        held.append(text, known.length(), text.length());
        if (tokenizer.decodesTokensAlone()) {
            decodedFrom = count;
            known = "";
        } else {
            // What came last decides how the next begins, such as whether a blank stands before it.
            known = tokenizer.decode(Arrays.copyOfRange(tokens, decodedTo, count));
            decodedFrom = decodedTo;
        }
        decodedTo = count;
        return release(false);
    }

    /** What was held back, when no more tokens come; of a character that is cut off, nothing. */
    public String end() {
        String text = tokenizer.decode(Arrays.copyOfRange(tokens, decodedFrom, count));
        int whole = text.length();
        while (whole > 0 && text.charAt(whole - 1) == UNFINISHED) {
            whole--;
        }
        if (whole > known.length()) {
            held.append(text, known.length(), whole);
        }
        decodedFrom = count;
        return release(true);
    }

    /** Whether a stop sequence was reached; nothing comes after it. */
    public boolean stopped() {
        return stopped;
    }

    private String release(boolean all) {
        if (stopped) {
            return "";
        }
        int cut = stops.stream()
                .mapToInt(held::indexOf)
                .filter(at -> at >= 0)
                .min()
                .orElse(-1);
        if (cut >= 0) {
            stopped = true;
            return held.substring(0, cut);
        }
        int keep =
                all ? 0 : stops.stream().mapToInt(this::possibleBeginning).max().orElse(0);
        String text = held.substring(0, held.length() - keep);
        held.delete(0, held.length() - keep);
        return text;
    }

    /** The longest end of the held text with which {@code stop} begins. */
    private int possibleBeginning(String stop) {
        for (int length = Math.min(stop.length() - 1, held.length()); length > 0; length--) {
            if (stop.startsWith(held.substring(held.length() - length))) {
                return length;
            }
        }
        return 0;
    }
}
