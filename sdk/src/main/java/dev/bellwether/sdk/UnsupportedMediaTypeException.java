package dev.bellwether.sdk;

/** Status 415: the request is not JSON. */
public final class UnsupportedMediaTypeException extends BellwetherException {
    UnsupportedMediaTypeException(Failure failure) {
        super(failure);
    }
}
