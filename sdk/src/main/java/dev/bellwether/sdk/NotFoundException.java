package dev.bellwether.sdk;

/** Status 404: there is no such bot or feedback. */
public final class NotFoundException extends BellwetherException {
    NotFoundException(Failure failure) {
        super(failure);
    }
}
