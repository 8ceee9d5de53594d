package dev.bellwether.sdk;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** JSON and headers as they go over the wire, and failures as they come back. */
final class Wire {
    static final ObjectMapper JSON = JsonMapper.builder().build();

    private Wire() {}

    static String write(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("%s cannot be written as JSON".formatted(value), e);
        }
    }

    static JsonNode read(String body) {
        try {
            return JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new BellwetherException(BellwetherException.Failure.local(
                    "invalid_response", "The service's answer is not JSON; is this address a Bellwether gateway?", e));
        }
    }

    static BellwetherException failure(HttpResponse<String> response, Clock clock) {
        String requestId = response.headers().firstValue("x-request-id").orElse(null);
        return BellwetherException.of(BellwetherException.Failure.of(
                response.statusCode(), response.body(), requestId, retryAfter(response.headers(), clock)));
    }

    /** Seconds, or a date; null when there is none that can be read. */
    private static @Nullable Duration retryAfter(HttpHeaders headers, Clock clock) {
        String value = headers.firstValue("retry-after").orElse("").strip();
        if (value.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(value));
        }
        try {
            Instant at = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant();
            Duration left = Duration.between(clock.instant(), at);
            return left.isNegative() ? Duration.ZERO : left;
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** A failed exchange as one of ours. */
    static RuntimeException failure(Throwable thrown) {
        Throwable cause = thrown;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof IOException || cause instanceof java.util.concurrent.TimeoutException) {
            String what = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            return new ConnectionException(
                    BellwetherException.Failure.local("no_response", "No response came: " + what, cause));
        }
        return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
    }
}
