package dev.bellwether.sdk;

/** Status 403: the key or token does not allow this. */
public final class PermissionDeniedException extends BellwetherException {
    PermissionDeniedException(Failure failure) {
        super(failure);
    }
}
