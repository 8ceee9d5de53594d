package dev.bellwether.trainer.external;

/** The operator's command did not give what it was to give; the message says what, and what to look at. */
public final class ExternalTrainingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ExternalTrainingException(String message) {
        super(message);
    }

    ExternalTrainingException(String message, Throwable cause) {
        super(message, cause);
    }
}
