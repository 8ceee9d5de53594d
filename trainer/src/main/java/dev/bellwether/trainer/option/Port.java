package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** A TCP port; 0 takes any that is free. */
public final class Port implements ITypeConverter<Integer> {
    private static final Range RANGE = new Range(0, 65_535);

    @Override
    public Integer convert(String text) {
        return RANGE.whole(text);
    }
}
