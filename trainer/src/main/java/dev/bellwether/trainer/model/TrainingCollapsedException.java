package dev.bellwether.trainer.model;

/** Training left the region where it makes sense: a gradient or a metric that is not finite, or beyond its bound. */
public final class TrainingCollapsedException extends RuntimeException {
    public TrainingCollapsedException(String message) {
        super(message);
    }
}
