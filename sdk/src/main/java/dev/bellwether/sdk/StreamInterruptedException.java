package dev.bellwether.sdk;

/** A stream that ended before the reply did. */
public final class StreamInterruptedException extends BellwetherException {
    StreamInterruptedException(Failure failure) {
        super(failure);
    }
}
