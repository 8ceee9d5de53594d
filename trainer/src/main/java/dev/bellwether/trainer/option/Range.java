package dev.bellwether.trainer.option;

import picocli.CommandLine.TypeConversionException;

/** The numbers from {@code least} to {@code most}; an option outside them ends its command before it begins. */
public record Range(double least, double most) {

    /** The whole number that {@code text} says. */
    public int whole(String text) {
        return (int)
                within("whole number", text, text.matches("[+-]?\\d{1,10}") ? Double.parseDouble(text) : Double.NaN);
    }

    /** The number that {@code text} says. */
    public double number(String text) {
        try {
            return within("number", text, Double.parseDouble(text));
        } catch (NumberFormatException e) {
            return within("number", text, Double.NaN);
        }
    }

    private double within(String kind, String text, double number) {
        if (number >= least && number <= most) {
            return number;
        }
        throw new TypeConversionException(
                "'%s' is not a %s from %s to %s".formatted(text, kind, shown(least), shown(most)));
    }

    private static String shown(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }
}
