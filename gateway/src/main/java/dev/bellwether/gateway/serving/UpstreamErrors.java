package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Json;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What an upstream's failure means: who is to blame, whether to try again, what the caller is told. */
final class UpstreamErrors {
    private static final int MESSAGE_MAX = 1_000;
    private static final int CODE_MAX = 64;

    /** No credit, no such model or address: whatever is asked, this version cannot answer. */
    private static final Set<Integer> OPERATORS_FAULT = Set.of(402, 404, 405, 410);

    private static final Set<Integer> PASSING = Set.of(408, 409, 425);
    private static final Duration RETRY = Duration.ofSeconds(5);

    private final String version;
    private final Supplier<@Nullable String> secret;

    /**
     * @param secret the upstream's key, which no message may show
     */
    UpstreamErrors(String version, Supplier<@Nullable String> secret) {
        this.version = version;
        this.secret = secret;
    }

    /**
     * Keeps status and message, but of what is between the operator and the service.
     *
     * @param ofVersion whether a field of the request is the version's and not the caller's
     */
    PolicyException status(HttpClientResponse response, Buffer body, Predicate<String> ofVersion) {
        int status = response.statusCode();
        String said = message(body).map(this::redact).map(UpstreamErrors::cut).orElse("no message");
        if (status < 300) {
            return garbage("the status %d".formatted(status));
        }
        if (status < 400) {
            return PolicyException.policy(ApiException.of(
                            502,
                            "upstream_redirect",
                            "The service behind this bot answered with a redirect (%d), which is not followed."
                                    .formatted(status)))
                    .detail("it answered with a redirect (%d), which version %s does not follow"
                            .formatted(status, version));
        }
        if (status == 401 || status == 403) {
            return PolicyException.policy(ApiException.of(
                            502,
                            "upstream_refused",
                            "The service behind this bot refused the bot's key (%d); its operator must look at it."
                                    .formatted(status)))
                    .detail("it refused the key with %d: %s".formatted(status, said));
        }
        if (OPERATORS_FAULT.contains(status)) {
            return PolicyException.policy(ApiException.of(
                            502,
                            "upstream_refused",
                            "The service behind this bot does not serve it (%d); its operator must look at it."
                                    .formatted(status)))
                    .detail("it does not serve version %s (%d): %s".formatted(version, status, said));
        }
        ApiException answer = ApiException.of(status, code(body, status), said);
        if (status == 429) {
            return PolicyException.load(answer.with("retry-after", retryAfter(response)));
        }
        if (status >= 500 || PASSING.contains(status)) {
            return PolicyException.policy(answer).passing();
        }
        Optional<String> field = text(body, "param");
        return field.filter(ofVersion).isPresent()
                ? refusesTheVersion(status, field.get(), said)
                : PolicyException.either(answer);
    }

    private PolicyException refusesTheVersion(int status, String field, String said) {
        return PolicyException.policy(ApiException.of(
                        502,
                        "upstream_refused",
                        "The service behind this bot refuses how it is asked (%d); its operator must look at it."
                                .formatted(status)))
                .detail("it refuses '%s' of version %s (%d): %s".formatted(field, version, status, said));
    }

    private static String retryAfter(HttpClientResponse response) {
        String given = response.getHeader("retry-after");
        return given != null && given.matches("\\d{1,5}") ? given : Long.toString(RETRY.toSeconds());
    }

    private static Optional<JsonNode> error(Buffer body) {
        try {
            JsonNode json = Json.parseLeniently(body.toString(StandardCharsets.UTF_8));
            return Optional.of(json.has("error") ? json.get("error") : json);
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /** OpenAI's error object, a text in its place, or what other services call it. */
    private static Optional<String> message(Buffer body) {
        return error(body)
                .flatMap(error -> Optional.ofNullable(
                        error.isTextual()
                                ? error.textValue()
                                : error.path("message").isTextual()
                                        ? error.path("message").textValue()
                                        : error.path("detail").isTextual()
                                                ? error.path("detail").textValue()
                                                : null));
    }

    private static String cut(String message) {
        return message.length() > MESSAGE_MAX ? message.substring(0, MESSAGE_MAX) + "…" : message;
    }

    private String code(Buffer body, int status) {
        return text(body, "code")
                .map(this::redact)
                .filter(code -> code.length() <= CODE_MAX)
                .orElse("upstream_" + status);
    }

    private static Optional<String> text(Buffer body, String field) {
        return error(body).map(error -> error.path(field).textValue()).filter(text -> !text.isBlank());
    }

    String redact(String text) {
        String key = secret.get();
        return key == null || key.isEmpty() ? text : text.replace(key, "***");
    }

    /** Where it is and why it is not reached is its operator's business. */
    PolicyException unreachable(Throwable cause) {
        return PolicyException.policy(ApiException.later(
                        502, "upstream_unreachable", "The service behind this bot cannot be reached.", RETRY))
                .passing()
                .detail("it cannot be reached: " + redact(String.valueOf(cause.getMessage())));
    }

    PolicyException brokeOff() {
        return PolicyException.policy(
                ApiException.of(502, "upstream_interrupted", "The service behind this bot broke its reply off."));
    }

    PolicyException garbage(String what) {
        return PolicyException.policy(ApiException.of(
                502,
                "upstream_invalid",
                "The service behind this bot sent what is no reply: %s.".formatted(redact(what))));
    }

    PolicyException late(String what, Duration limit) {
        return PolicyException.policy(ApiException.later(
                504,
                "upstream_timeout",
                "The service behind this bot sent no %s within %s.".formatted(what, limit),
                RETRY));
    }

    PolicyException open(Duration left) {
        return PolicyException.policy(ApiException.later(
                503,
                "upstream_unavailable",
                "The service behind this bot has failed repeatedly and is left alone for a moment.",
                left));
    }

    PolicyException busy() {
        return PolicyException.load(ApiException.later(
                429,
                "upstream_busy",
                "The bot is asked more than it may ask the service behind it.",
                Duration.ofSeconds(1)));
    }

    PolicyException deadline() {
        return PolicyException.load(ApiException.later(
                503, "deadline_exceeded", "The reply was not ready in time; try again shortly.", RETRY));
    }
}
