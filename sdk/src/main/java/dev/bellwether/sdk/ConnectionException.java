package dev.bellwether.sdk;

/** No response came: the service is not there, the connection broke, or it took too long. */
public final class ConnectionException extends BellwetherException {
    ConnectionException(Failure failure) {
        super(failure);
    }

    @Override
    boolean retryable() {
        return true;
    }
}
