package dev.bellwether.sdk;

/** Status 400: the request is malformed; {@link #field()} says where. */
public final class BadRequestException extends BellwetherException {
    BadRequestException(Failure failure) {
        super(failure);
    }
}
