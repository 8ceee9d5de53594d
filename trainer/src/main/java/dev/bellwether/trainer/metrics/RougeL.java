package dev.bellwether.trainer.metrics;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * ROUGE-L: the longest row of words that a reply and its reference have in common, others between them allowed. Words are runs
 * of Latin letters and digits, in small letters, as Google's rouge-score takes them, without a stemmer.
 *
 * @see <a href="https://aclanthology.org/W04-1013">Lin: ROUGE: A Package for Automatic Evaluation of Summaries</a>
 */
public final class RougeL {
    private static final Pattern OTHERS = Pattern.compile("[^a-z0-9]+");

    private RougeL() {}

    /** The harmonic mean of its shares of both, from 0 to 1. */
    public static double of(String reply, String reference) {
        String[] ours = words(reply);
        String[] theirs = words(reference);
        int common = common(ours, theirs);
        return common == 0 ? 0 : 2.0 * common / (ours.length + theirs.length);
    }

    private static int common(String[] ours, String... theirs) {
        int[] before = new int[theirs.length + 1];
        for (String word : ours) {
            int[] row = new int[theirs.length + 1];
            for (int i = 0; i < theirs.length; i++) {
                row[i + 1] = word.equals(theirs[i]) ? before[i] + 1 : Math.max(row[i], before[i + 1]);
            }
            before = row;
        }
        return before[theirs.length];
    }

    private static String[] words(String text) {
        return Arrays.stream(OTHERS.split(text.toLowerCase(Locale.ROOT)))
                .filter(word -> !word.isEmpty())
                .toArray(String[]::new);
    }
}
