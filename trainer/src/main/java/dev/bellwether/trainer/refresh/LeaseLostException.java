package dev.bellwether.trainer.refresh;

/** Another trainer works for the bot now; what this one has made is not published. */
final class LeaseLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LeaseLostException(String bot, Throwable cause) {
        super("another trainer has taken over %s".formatted(bot), cause);
    }
}
