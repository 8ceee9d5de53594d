package dev.bellwether.policy.prompt.jinja;

/** What Python's {@code str} takes as blank, which is more than Java's {@code strip} does. */
final class Blanks {
    private Blanks() {}

    static boolean is(int character) {
        return Character.isSpaceChar(character)
                || (character >= 0x09 && character <= 0x0d)
                || (character >= 0x1c && character <= 0x1f)
                || character == 0x85;
    }

    static boolean all(String text) {
        return text.chars().allMatch(Blanks::is);
    }

    static String stripStart(String text) {
        int start = 0;
        while (start < text.length() && is(text.charAt(start))) {
            start++;
        }
        return text.substring(start);
    }

    static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && is(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    static String strip(String text) {
        return stripEnd(stripStart(text));
    }
}
