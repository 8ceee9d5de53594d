package dev.bellwether.sdk;

/** Status 500 and above: the service failed. */
public final class ServerException extends BellwetherException {
    ServerException(Failure failure) {
        super(failure);
    }
}
