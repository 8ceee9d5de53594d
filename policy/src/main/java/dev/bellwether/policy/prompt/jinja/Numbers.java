package dev.bellwether.policy.prompt.jinja;

import java.math.BigDecimal;

/** Whole numbers are {@code Long}, others {@code Double}, and truth counts as 0 or 1. */
final class Numbers {
    private Numbers() {}

    static Long integer(Token token) {
        String digits = token.text().replace("_", "");
        try {
            if (digits.length() > 2 && Character.isLetter(digits.charAt(1))) {
                int radix = switch (Character.toLowerCase(digits.charAt(1))) {
                    case 'x' -> 16;
                    case 'o' -> 8;
                    default -> 2;
                };
                return Long.valueOf(digits.substring(2), radix);
            }
            return Long.valueOf(digits);
        } catch (NumberFormatException e) {
            throw TemplateException.at(token.line(), "the number %s is too large".formatted(digits));
        }
    }

    static boolean is(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static boolean whole(Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    static long toLong(Object value) {
        return switch (value) {
            case Long whole -> whole;
            case Boolean truth -> truth ? 1 : 0;
            default -> throw new TemplateException("a whole number is expected, not %s".formatted(Values.kind(value)));
        };
    }

    static double toDouble(Object value) {
        return switch (value) {
            case Double number -> number;
            default -> toLong(value);
        };
    }

    /** As Python prints a float: the shortest digits that read back the same. */
    static String print(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(number);
        if (size != 0 && (size < 1e-4 || size >= 1e16)) {
            String[] parts = Double.toString(number).split("E", -1);
            String digits = parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0];
            int exponent = Integer.parseInt(parts[1]);
            return "%se%s%02d".formatted(digits, exponent < 0 ? "-" : "+", Math.abs(exponent));
        }
        String plain = new BigDecimal(Double.toString(number)).toPlainString();
        return plain.contains(".") ? plain : plain + ".0";
    }
}
