package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** Copies of a topic, each on a broker of its own. */
public final class Replication implements ITypeConverter<Short> {
    private static final Range RANGE = new Range(1, Short.MAX_VALUE);

    @Override
    public Short convert(String text) {
        return (short) RANGE.whole(text);
    }
}
