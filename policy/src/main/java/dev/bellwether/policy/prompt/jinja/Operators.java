package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic, and what it does to texts and lists. */
final class Operators {
    private static final int REPEATED_MAX = 1_000_000;

    private Operators() {}

    static Object apply(String operator, Object left, Object right) {
        if (operator.equals("~")) {
            return joined(Values.text(left), Values.text(right));
        }
        if (operator.equals("%") && Markup.plain(left) instanceof String text) {
            return Formats.percent(text, Markup.plain(right));
        }
        boolean markup = left instanceof Markup || right instanceof Markup;
        if (markup && operator.equals("+") && isText(left) && isText(right)) {
            return new Markup(
                    joined(Markup.escaped(left).text(), Markup.escaped(right).text()));
        }
        return plain(operator, Markup.plain(left), Markup.plain(right));
    }

    private static boolean isText(Object value) {
        return value instanceof String || value instanceof Markup;
    }

    private static Object plain(String operator, Object left, Object right) {
        if (left instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (Numbers.is(left) && Numbers.is(right)) {
            return numbers(operator, left, right);
        }
        if (operator.equals("+") && left instanceof String a && right instanceof String b) {
            return joined(a, b);
        }
        boolean alike = left instanceof Tuple == right instanceof Tuple;
        if (operator.equals("+") && alike && left instanceof List<?> a && right instanceof List<?> b) {
            Limits.requireLength((long) a.size() + b.size());
            List<Object> joined = new ArrayList<>(a);
            joined.addAll(b);
            return left instanceof Tuple ? new Tuple(joined) : joined;
        }
        if (operator.equals("*") && (Numbers.whole(left) || Numbers.whole(right))) {
            return Numbers.whole(left) ? repeated(right, Numbers.toLong(left)) : repeated(left, Numbers.toLong(right));
        }
        throw new TemplateException(
                "'%s' cannot be done with %s and %s".formatted(operator, Values.kind(left), Values.kind(right)));
    }

    private static String joined(String a, String b) {
        return new Growing().add(a).add(b).toString();
    }

    private static Object repeated(Object value, long times) {
        if (times > 0 && Values.length(value) > REPEATED_MAX / times) {
            throw new TemplateException("a repetition is too long");
        }
        int count = (int) Math.max(0, times);
        if (value instanceof String text) {
            return text.repeat(count);
        }
        List<Object> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.addAll(Values.iterate(value));
        }
        return all;
    }

    private static Object numbers(String operator, Object left, Object right) {
        try {
            boolean whole = Numbers.whole(left) && Numbers.whole(right) && !operator.equals("/");
            boolean root = operator.equals("**") && whole && Numbers.toLong(right) < 0;
            return whole && !root
                    ? (Object) wholes(operator, Numbers.toLong(left), Numbers.toLong(right))
                    : (Object) reals(operator, Numbers.toDouble(left), Numbers.toDouble(right));
        } catch (ArithmeticException e) {
            throw new TemplateException("%s %s %s cannot be computed".formatted(left, operator, right));
        }
    }

    private static long wholes(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            case "**" -> power(a, b);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static long power(long base, long exponent) {
        if (exponent > Long.SIZE && Math.abs(base) > 1) {
            throw new ArithmeticException("overflow");
        }
        long power = 1;
        for (long i = 0; i < Math.min(exponent, Long.SIZE + (exponent & 1)); i++) {
            power = Math.multiplyExact(power, base);
        }
        return power;
    }

    private static double reals(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw new ArithmeticException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw new IllegalArgumentException(operator);
        };
    }
}
