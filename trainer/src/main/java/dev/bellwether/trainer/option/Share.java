package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** A part of a whole, from 0 to 1. */
public final class Share implements ITypeConverter<Double> {
    private static final Range RANGE = new Range(0, 1);

    @Override
    public Double convert(String text) {
        return RANGE.number(text);
    }
}
