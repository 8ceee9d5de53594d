package dev.bellwether.trainer.option;

import picocli.CommandLine.ITypeConverter;

/** A learning rate: above 0, and no more than AdamW can make use of. */
public final class LearningRatePeak implements ITypeConverter<Double> {
    private static final Range RANGE = new Range(1e-9, 1);

    @Override
    public Double convert(String text) {
        return RANGE.number(text);
    }
}
