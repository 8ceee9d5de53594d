package dev.bellwether.sdk;

/** Status 409: the idempotency key was used before with another judgement. */
public final class ConflictException extends BellwetherException {
    ConflictException(Failure failure) {
        super(failure);
    }
}
