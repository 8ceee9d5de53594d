package dev.bellwether.sdk;

/** Status 422: a field has a value that it cannot have; {@link #field()} says which. */
public final class UnprocessableContentException extends BellwetherException {
    UnprocessableContentException(Failure failure) {
        super(failure);
    }
}
