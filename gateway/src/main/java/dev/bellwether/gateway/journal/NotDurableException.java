package dev.bellwether.gateway.journal;

/** A record is neither in Kafka nor in the spool, as far as is known. */
public final class NotDurableException extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean sent;

    NotDurableException(String message, boolean sent) {
        super(message);
        this.sent = sent;
    }

    /** Whether Kafka was given it, and may have it all the same; otherwise it is nowhere, and will be nowhere. */
    public boolean sent() {
        return sent;
    }
}
