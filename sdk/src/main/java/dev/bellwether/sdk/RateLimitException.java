package dev.bellwether.sdk;

/** Status 429: too many requests; {@link #retryAfter()} says when to come again. */
public final class RateLimitException extends BellwetherException {
    RateLimitException(Failure failure) {
        super(failure);
    }
}
