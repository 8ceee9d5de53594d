package dev.bellwether.sdk;

/** Status 503: the service cannot do this at the moment, and nothing was done. */
public final class ServiceUnavailableException extends BellwetherException {
    ServiceUnavailableException(Failure failure) {
        super(failure);
    }
}
