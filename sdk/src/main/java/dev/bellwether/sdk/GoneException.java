package dev.bellwether.sdk;

/** Status 410: the time to judge this turn is over. */
public final class GoneException extends BellwetherException {
    GoneException(Failure failure) {
        super(failure);
    }
}
