package dev.bellwether.trainer.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * BLEU of a corpus, as sacreBLEU computes it by default: runs of one to four words of the tokenizer "13a", case kept, an order
 * without a match counted as if it had a half, a quarter, an eighth of one.
 *
 * @see <a href="https://aclanthology.org/P02-1040">Papineni et al.: BLEU: a Method for Automatic Evaluation of Machine Translation</a>
 * @see <a href="https://aclanthology.org/W18-6319">Post: A Call for Clarity in Reporting BLEU Scores</a>
 */
public final class Bleu {
    private static final int ORDERS = 4;
    private static final Pattern SYMBOL =
            Pattern.compile("([\\x7b-\\x7e\\x5b-\\x60\\x20-\\x26\\x28-\\x2b\\x3a-\\x40/])");
    private static final Pattern BEHIND_NO_DIGIT = Pattern.compile("([^0-9])([.,])");
    private static final Pattern BEFORE_NO_DIGIT = Pattern.compile("([.,])([^0-9])");
    private static final Pattern BEHIND_DIGIT = Pattern.compile("([0-9])(-)");
    private static final Pattern SPACES = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    private final long[] matches = new long[ORDERS];
    private final long[] total = new long[ORDERS];
    private long length;
    private long referenceLength;

    public void add(String reply, String reference) {
        List<String> ours = words(reply);
        List<String> theirs = words(reference);
        length += ours.size();
        referenceLength += theirs.size();
        for (int order = 1; order <= ORDERS; order++) {
            Map<List<String>, Integer> known = runs(theirs, order);
            for (Map.Entry<List<String>, Integer> run : runs(ours, order).entrySet()) {
                matches[order - 1] += Math.min(run.getValue(), known.getOrDefault(run.getKey(), 0));
                total[order - 1] += run.getValue();
            }
        }
    }

    /** From 0 to 100. */
    public double score() {
        if (matches[0] == 0) {
            return 0;
        }
        double logarithms = 0;
        double halved = 1;
        for (int i = 0; i < ORDERS; i++) {
            if (total[i] == 0) {
                return 0;
            }
            double matched = matches[i];
            if (matched == 0) {
                halved /= 2;
                matched = halved;
            }
            logarithms += Math.log(matched / total[i]);
        }
        double brevity = length < referenceLength ? 1 - referenceLength / (double) length : 0;
        return 100 * Math.exp(logarithms / ORDERS + brevity);
    }

    private static Map<List<String>, Integer> runs(List<String> words, int length) {
        Map<List<String>, Integer> runs = new HashMap<>();
        for (int from = 0; from + length <= words.size(); from++) {
            runs.merge(words.subList(from, from + length), 1, Integer::sum);
        }
        return runs;
    }

    private static List<String> words(String text) {
        String spaced = text.replace("<skipped>", "")
                .replace("-\n", "")
                .replace('\n', ' ')
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&gt;", ">");
        spaced = SYMBOL.matcher(" " + spaced + " ").replaceAll(" $1 ");
        spaced = BEHIND_NO_DIGIT.matcher(spaced).replaceAll("$1 $2 ");
        spaced = BEFORE_NO_DIGIT.matcher(spaced).replaceAll(" $1 $2");
        spaced = BEHIND_DIGIT.matcher(spaced).replaceAll("$1 $2 ").strip();
        return spaced.isEmpty() ? List.of() : new ArrayList<>(Arrays.asList(SPACES.split(spaced)));
    }
}
