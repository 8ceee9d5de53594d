package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** A sampling temperature; 0 takes the most likely token. */
public final class Temperature implements ITypeConverter<Double> {
    private static final Range RANGE = new Range(0, 2);

    @Override
    public Double convert(String text) {
        return RANGE.number(text);
    }
}
