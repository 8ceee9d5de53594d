package dev.bellwether.sdk;

/** Status 401: the API key is missing or not known. */
public final class AuthenticationException extends BellwetherException {
    AuthenticationException(Failure failure) {
        super(failure);
    }
}
