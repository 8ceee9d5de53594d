package dev.bellwether.sdk;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A call that did not succeed, retries included: the status, the service's stable code, and its message. */
public class BellwetherException extends RuntimeException {
    private final transient Failure failure;

    BellwetherException(Failure failure) {
        super(failure.message(), failure.cause());
        this.failure = failure;
    }

    /**
     * What is known of a failed call.
     *
     * @param status 0 when there was no response
     * @param field the field that is at fault
     * @param requestId under which the service knows the call
     * @param retryAfter when the service asks to come again
     */
    record Failure(
            int status,
            String code,
            String message,
            @Nullable String field,
            @Nullable String requestId,
            @Nullable Duration retryAfter,
            @Nullable Throwable cause) {

        static Failure local(String code, String message, @Nullable Throwable cause) {
            return new Failure(0, code, message, null, null, null, cause);
        }

        static Failure of(int status, String body, @Nullable String requestId, @Nullable Duration retryAfter) {
            JsonNode json = parse(body);
            JsonNode error = json.path("error").isObject() ? json.path("error") : json;
            String message = error.path("message").asText(error.path("detail").asText(null));
            return new Failure(
                    status,
                    error.path("code").asText("http_" + status),
                    message == null ? "The service answered with status %d.".formatted(status) : message,
                    error.path("param").asText(error.path("pointer").asText(null)),
                    requestId,
                    retryAfter,
                    null);
        }

        private static JsonNode parse(String body) {
            try {
                return Wire.JSON.readTree(body);
            } catch (JacksonException e) {
                return Wire.JSON.nullNode();
            }
        }
    }

    static BellwetherException of(Failure failure) {
        return switch (failure.status()) {
            case 400 -> new BadRequestException(failure);
            case 401 -> new AuthenticationException(failure);
            case 403 -> new PermissionDeniedException(failure);
            case 404 -> new NotFoundException(failure);
            case 409 -> new ConflictException(failure);
            case 410 -> new GoneException(failure);
            case 413 -> new ContentTooLargeException(failure);
            case 415 -> new UnsupportedMediaTypeException(failure);
            case 422 -> new UnprocessableContentException(failure);
            case 429 -> new RateLimitException(failure);
            case 503 -> new ServiceUnavailableException(failure);
            default -> failure.status() >= 500 ? new ServerException(failure) : new BellwetherException(failure);
        };
    }

    /** The HTTP status; 0 when there was no response. */
    public final int status() {
        return failure.status();
    }

    /** A stable name of what happened, such as {@code model_not_found}. */
    public final String code() {
        return failure.code();
    }

    /** The field of the request that is at fault. */
    public final Optional<String> field() {
        return Optional.ofNullable(failure.field());
    }

    /** Under which the service's operators find the call. */
    public final Optional<String> requestId() {
        return Optional.ofNullable(failure.requestId());
    }

    /** When the service asked to come again. */
    public final Optional<Duration> retryAfter() {
        return Optional.ofNullable(failure.retryAfter());
    }

    /** Whether the same call may succeed later. */
    boolean retryable() {
        return switch (status()) {
            case 408, 429 -> true;
            case 409 -> failure.retryAfter() != null;
            default -> status() >= 500;
        };
    }
}
