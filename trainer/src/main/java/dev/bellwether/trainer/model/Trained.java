package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.util.Locale;

/** What of a model is trained: all its weights, or adapters over them. */
public enum Trained {
    /** Adapters of models above {@value #ALL_WEIGHTS_MAX} parameters. */
    AUTO,
    FULL,
    LORA;

    /** Larger models are trained by adapters where nothing else is set. */
    private static final long ALL_WEIGHTS_MAX = 50_000_000;

    private static final double ADAPTERS_FACTOR = 2;

    /** What the standard learning rates are meant for. */
    private static final double STANDARD_PARAMETERS = 4.2e6;

    /** By its name in settings, in small letters. */
    public static Trained of(String name) {
        for (Trained kind : values()) {
            if (kind.label().equals(name)) {
                return kind;
            }
        }
        throw new IllegalArgumentException("kind is auto, full or lora, not '%s'".formatted(name));
    }

    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether adapters of {@code model} are trained. */
    public boolean adapters(CheckpointConfig model) {
        return switch (this) {
            case FULL -> false;
            case LORA -> true;
            case AUTO -> model.parameters() > ALL_WEIGHTS_MAX;
        };
    }

    /**
     * What learning rates are multiplied with: all weights of a larger model take smaller steps, by the root of its size;
     * adapters take twice the standard ones at every size.
     */
    public double learningRateFactor(CheckpointConfig model) {
        return adapters(model) ? ADAPTERS_FACTOR : Math.min(1, Math.sqrt(STANDARD_PARAMETERS / model.parameters()));
    }
}
