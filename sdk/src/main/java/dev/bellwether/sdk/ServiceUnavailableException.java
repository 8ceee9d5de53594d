package dev.bellwether.sdk;

/**
 * Status 503: the service cannot do this at the moment, and nothing was done; but with the code {@code not_durable} a judgement
 * may have been stored, and counts once if it is sent again with its key.
 */
public final class ServiceUnavailableException extends BellwetherException {
    ServiceUnavailableException(Failure failure) {
        super(failure);
    }
}
