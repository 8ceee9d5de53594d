package dev.bellwether.policy.prompt;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The texts that a tokenizer reads as control tokens, and what keeps people from typing one.
 *
 * <p>In what people type a mark, a character that no text holds, goes into each of them: a template lays the text out as
 * it is, and what is a control token behind it was written by the template. Nothing is cut out; without the marks the text
 * is what was typed.
 */
final class ControlTokens {
    private static final char MARK = '\ufdd0';
    private static final char NONCHARACTER_MAX = '\ufdef';
    private static final char REPLACEMENT = '\ufffd';

    private final Node root = new Node();

    /** What begins with the same characters. */
    private static final class Node {
        private final Map<Character, Node> next = new HashMap<>();
        private boolean end;
    }

    ControlTokens(Collection<String> texts) {
        for (String text : texts) {
            Node node = root;
            for (int i = 0; i < text.length(); i++) {
                node = node.next.computeIfAbsent(text.charAt(i), _ -> new Node());
            }
            node.end = !text.isEmpty();
        }
    }

    /** What people typed, so that nothing of it is or becomes a control token. */
    String guard(String typed) {
        StringBuilder guarded = new StringBuilder(typed.length());
        int last = lastVisible(typed);
        for (int i = 0; i < typed.length(); i++) {
            char next = typed.charAt(i);
            boolean mark = next >= MARK && next <= NONCHARACTER_MAX;
            guarded.append(mark ? REPLACEMENT : next);
            // Also where the template's next words could complete what is begun at the end.
            if (longest(typed, i).isPresent() || begins(typed, i, last)) {
                guarded.append(MARK);
            }
        }
        return guarded.toString();
    }

    private static int lastVisible(String text) {
        int last = text.length() - 1;
        while (last >= 0 && (Character.isWhitespace(text.charAt(last)) || Character.isSpaceChar(text.charAt(last)))) {
            last--;
        }
        return last;
    }

    /** Whether all from {@code at} to {@code last} is a control token's beginning. */
    private boolean begins(String text, int at, int last) {
        Node node = root;
        for (int i = at; i <= last; i++) {
            node = node.next.get(text.charAt(i));
            if (node == null) {
                return false;
            }
        }
        return at <= last && !node.next.isEmpty();
    }

    private Optional<String> longest(String text, int at) {
        Node node = root;
        int end = -1;
        for (int i = at; i < text.length(); i++) {
            node = node.next.get(text.charAt(i));
            if (node == null) {
                break;
            }
            end = node.end ? i + 1 : end;
        }
        return end < 0 ? Optional.empty() : Optional.of(text.substring(at, end));
    }

    /** A text as it was typed and laid out. */
    static String unmarked(String marked) {
        return marked.indexOf(MARK) < 0 ? marked : marked.replace(String.valueOf(MARK), "");
    }

    /** A text with the template's own control tokens, the longest that begins first, by other names; without marks. */
    String renamed(String marked, UnaryOperator<String> name) {
        StringBuilder renamed = new StringBuilder(marked.length() + 64);
        int at = 0;
        while (at < marked.length()) {
            Optional<String> token = longest(marked, at);
            if (token.isPresent()) {
                renamed.append(name.apply(token.get()));
                at += token.get().length();
            } else {
                renamed.append(marked.charAt(at));
                at++;
            }
        }
        return unmarked(renamed.toString());
    }
}
