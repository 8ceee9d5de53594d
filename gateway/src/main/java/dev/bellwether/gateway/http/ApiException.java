package dev.bellwether.gateway.http;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request that is refused: the status, a stable code, and what to do about it. */
public final class ApiException extends RuntimeException {
    private final int status;
    private final String code;
    private final @Nullable String parameter;
    private final Map<String, String> headers;

    private ApiException(
            int status, String code, String message, @Nullable String parameter, Map<String, String> headers) {
        super(message);
        this.status = status;
        this.code = code;
        this.parameter = parameter;
        this.headers = headers;
    }

    public static ApiException of(int status, String code, String message) {
        return new ApiException(status, code, message, null, Map.of());
    }

    /** About one field, named as {@code messages[0].content}, or by a JSON pointer. */
    public static ApiException field(int status, String code, String field, String message) {
        return new ApiException(status, code, message, field, Map.of());
    }

    public static ApiException later(int status, String code, String message, Duration retryAfter) {
        long seconds = Math.max(1, (retryAfter.toMillis() + 999) / 1000);
        return of(status, code, message).with("retry-after", Long.toString(seconds));
    }

    /** The same with a header of the response. */
    public ApiException with(String header, String value) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.put(header, value);
        return new ApiException(status, code, String.valueOf(getMessage()), parameter, all);
    }

    public int status() {
        return status;
    }

    public String code() {
        return code;
    }

    public @Nullable String parameter() {
        return parameter;
    }

    public Map<String, String> headers() {
        return headers;
    }
}
