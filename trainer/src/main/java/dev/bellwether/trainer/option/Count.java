package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** How often something is done: at least once. */
public final class Count implements ITypeConverter<Integer> {
    private static final Range RANGE = new Range(1, 1_000_000);

    @Override
    public Integer convert(String text) {
        return RANGE.whole(text);
    }
}
