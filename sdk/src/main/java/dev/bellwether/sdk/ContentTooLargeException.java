package dev.bellwether.sdk;

/** Status 413: the request is too large. */
public final class ContentTooLargeException extends BellwetherException {
    ContentTooLargeException(Failure failure) {
        super(failure);
    }
}
