package dev.bellwether.event;

/** What no record may hold. Each check throws {@link IllegalArgumentException} with the component's name and its value. */
final class Valid {
    private Valid() {}

    static void named(String value, String what) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(what + " is blank");
        }
    }

    static void atLeast(long least, long value, String what) {
        if (value < least) {
            throw new IllegalArgumentException("%s is %d, at least %d is possible".formatted(what, value, least));
        }
    }

    static void share(double value, String what) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException("%s is %s, between 0 and 1 is possible".formatted(what, value));
        }
    }

    static void finite(double value, String what) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("%s is %s".formatted(what, value));
        }
    }
}
