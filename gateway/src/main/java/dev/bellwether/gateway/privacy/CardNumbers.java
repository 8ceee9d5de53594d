package dev.bellwether.gateway.privacy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.validator.routines.CreditCardValidator;
import org.apache.commons.validator.routines.CreditCardValidator.CreditCardRange;

/**
 * Numbers of payment cards in texts, by what their schemes issue and their check digits.
 *
 * <p>A number is made of whole groups of digits. Where other digits stand beside it, a date or a security code, or something
 * else than blanks and hyphens between its groups, the groups are those that are printed on cards: any others would too often
 * be a card by chance.
 */
final class CardNumbers {
    private static final int DIGITS_MIN = 13;
    private static final int DIGITS_MAX = 19;

    /** May stand between two groups, one or two of them. */
    private static final String SEPARATORS = " -\u00a0\u202f./";

    private static final String PLAIN_SEPARATORS = " -";
    private static final int SEPARATORS_MAX = 2;

    /** Of a number, and not of a list of single digits. */
    private static final int GROUPS_MAX = 8;

    /** As on cards of four groups, of Amex and of Diners. */
    private static final List<int[]> PRINTED = List.of(
            new int[] {4, 4, 4, 4}, new int[] {4, 4, 4, 4, 3}, new int[] {4, 6, 5}, new int[] {4, 6, 4}, new int[] {
                6, 13
            });

    private static final CreditCardValidator ISSUED = new CreditCardValidator(CreditCardValidator.AMEX
            | CreditCardValidator.DINERS
            | CreditCardValidator.DISCOVER
            | CreditCardValidator.MASTERCARD
            | CreditCardValidator.VISA);

    private static final CreditCardValidator BESIDES = new CreditCardValidator(new CreditCardRange[] {
        // Visa's of 19 digits, JCB, UnionPay, Maestro.
        new CreditCardRange("4", null, 19, 19),
        new CreditCardRange("3528", "3589", 16, 19),
        new CreditCardRange("62", null, 16, 19),
        new CreditCardRange("5018", null, 13, 19),
        new CreditCardRange("5020", null, 13, 19),
        new CreditCardRange("5038", null, 13, 19),
        new CreditCardRange("5893", null, 13, 19),
        new CreditCardRange("6304", null, 13, 19),
        new CreditCardRange("6759", null, 13, 19),
        new CreditCardRange("6761", "6763", 13, 19)
    });

    private CardNumbers() {}

    /** Told of a number's place. */
    interface Place {
        void take(int from, int to);
    }

    private record Group(int from, int to) {
        int size() {
            return to - from;
        }
    }

    /** Tells {@code places} of every number, in the text's order. */
    static void find(String text, Place places) {
        int at = 0;
        List<Group> run = new ArrayList<>();
        while (at < text.length()) {
            if (!digit(text.charAt(at))) {
                at++;
                continue;
            }
            int from = at;
            while (at < text.length() && digit(text.charAt(at))) {
                at++;
            }
            boolean attached =
                    (from > 0 && letter(text.charAt(from - 1))) || (at < text.length() && letter(text.charAt(at)));
            if (!run.isEmpty() && (attached || !together(text, run.getLast().to(), from))) {
                inRun(text, run, places);
                run.clear();
            }
            if (!attached) {
                run.add(new Group(from, at));
            }
        }
        inRun(text, run, places);
    }

    private static boolean digit(char letter) {
        return letter >= '0' && letter <= '9';
    }

    private static boolean letter(char letter) {
        return Character.isLetterOrDigit(letter);
    }

    private static boolean together(String text, int from, int to) {
        return to - from <= SEPARATORS_MAX
                && text.substring(from, to).chars().allMatch(each -> SEPARATORS.indexOf(each) >= 0);
    }

    private static void inRun(String text, List<Group> run, Place places) {
        int first = 0;
        while (first < run.size()) {
            int end = end(text, run, first);
            if (end > first) {
                places.take(run.get(first).from(), run.get(end - 1).to());
            }
            first = Math.max(end, first + 1);
        }
    }

    /** Behind the last group of the longest number that begins with the group {@code first}; -1 where there is none. */
    private static int end(String text, List<Group> run, int first) {
        int found = -1;
        int digits = 0;
        for (int end = first; end < run.size() && digits <= DIGITS_MAX; ) {
            digits += run.get(end).size();
            end++;
            if (digits >= DIGITS_MIN && digits <= DIGITS_MAX && card(text, run, first, end)) {
                found = end;
            }
        }
        return found;
    }

    private static boolean card(String text, List<Group> run, int first, int end) {
        List<Group> groups = run.subList(first, end);
        if (groups.size() > GROUPS_MAX) {
            return false;
        }
        boolean whole = (groups.size() == 1 && !fraction(text, groups.getFirst().from()))
                || (groups.size() == run.size() && plainly(text, groups))
                || printed(groups);
        if (!whole) {
            return false;
        }
        if (!checked(text, groups)) {
            return false;
        }
        StringBuilder number = new StringBuilder(DIGITS_MAX);
        groups.forEach(each -> number.append(text, each.from(), each.to()));
        return ISSUED.isValid(number.toString()) || BESIDES.isValid(number.toString());
    }

    /**
     * Luhn's check, which nine of ten numbers fail: the validators repeat it, but take a hundred times as long, and a text may be
     * all digits.
     */
    private static boolean checked(String text, List<Group> groups) {
        int sum = 0;
        boolean twice = false;
        for (Group group : groups.reversed()) {
            for (int at = group.to() - 1; at >= group.from(); at--) {
                int digit = (text.charAt(at) - '0') * (twice ? 2 : 1);
                sum += digit / 10 + digit % 10;
                twice = !twice;
            }
        }
        return sum % 10 == 0;
    }

    private static boolean printed(List<Group> groups) {
        return PRINTED.stream()
                .anyMatch(sizes -> sizes.length == groups.size()
                        && IntStream.range(0, sizes.length)
                                .allMatch(i -> groups.get(i).size() == sizes[i]));
    }

    /** Whether a number's point stands before it. */
    private static boolean fraction(String text, int from) {
        return from > 1 && text.charAt(from - 1) == '.' && digit(text.charAt(from - 2));
    }

    /** Whether one blank or hyphen stands between any two. */
    private static boolean plainly(String text, List<Group> groups) {
        for (int i = 1; i < groups.size(); i++) {
            int between = groups.get(i - 1).to();
            if (groups.get(i).from() - between != 1 || PLAIN_SEPARATORS.indexOf(text.charAt(between)) < 0) {
                return false;
            }
        }
        return true;
    }
}
