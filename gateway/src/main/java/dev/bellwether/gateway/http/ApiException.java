package dev.bellwether.gateway.http;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A request that is refused: the status, a stable code, and what to do about it. */
public final class ApiException extends RuntimeException {
    private final int status;
    private final String code;
    private final @Nullable String parameter;
    private final @Nullable Duration retryAfter;

    private ApiException(
            int status, String code, String message, @Nullable String parameter, @Nullable Duration retryAfter) {
        super(message);
        this.status = status;
        this.code = code;
        this.parameter = parameter;
        this.retryAfter = retryAfter;
    }

    public static ApiException of(int status, String code, String message) {
        return new ApiException(status, code, message, null, null);
    }

    /** About one field, named by a JSON pointer. */
    public static ApiException field(int status, String code, String pointer, String message) {
        return new ApiException(status, code, message, pointer, null);
    }

    public static ApiException later(int status, String code, String message, Duration retryAfter) {
        return new ApiException(status, code, message, null, retryAfter);
    }

    int status() {
        return status;
    }

    public String code() {
        return code;
    }

    @Nullable
    String parameter() {
        return parameter;
    }

    @Nullable
    Duration retryAfter() {
        return retryAfter;
    }
}
