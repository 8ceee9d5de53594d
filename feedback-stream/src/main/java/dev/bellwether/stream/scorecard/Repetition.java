package dev.bellwether.stream.scorecard;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.stream.IntStream;

/** Whether a text says the same again and again, as models do that have come off the road. */
final class Repetition {
    private static final int WORDS_MIN = 24;
    private static final int PHRASE = 4;
    private static final double DISTINCT_MIN = .5;
    private static final String BLANKS = " \t\n\u000b\f\r";

    private Repetition() {}

    /** Of the phrases of four words in a text of some length, fewer than half are different. */
    static boolean in(String text) {
        List<Object> words = Collections.list(new StringTokenizer(text, BLANKS));
        int phrases = words.size() - PHRASE + 1;
        if (words.size() < WORDS_MIN) {
            return false;
        }
        Set<List<Object>> distinct = new HashSet<>();
        IntStream.range(0, phrases).forEach(i -> distinct.add(words.subList(i, i + PHRASE)));
        return distinct.size() < DISTINCT_MIN * phrases;
    }
}
