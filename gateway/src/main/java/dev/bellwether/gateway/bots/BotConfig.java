package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How one bot talks to its users: the section {@code chat} of {@code bots.yaml}.
 *
 * @param page whether the chat page is served for it
 * @param temperature of replies whose request names none
 * @param completionTokensMax longest reply of a local policy
 * @param duelShare share of turns, of callers that allow it, which offer two replies to choose from
 * @param thumbReasons what a thumb may be explained with
 * @param requestsPerMinute of one API key to this bot
 * @param pageRequestsPerMinute of one visitor's address to this bot
 * @param origins web pages that may call from a browser, as {@code https://shop.example}
 * @param deadline time from a request's arrival to the end of its reply
 */
public record BotConfig(
        boolean page,
        double temperature,
        double topP,
        int completionTokensMax,
        double duelShare,
        List<String> thumbReasons,
        int requestsPerMinute,
        int pageRequestsPerMinute,
        Set<String> origins,
        Duration deadline) {
    public static final BotConfig DEFAULT = of(null, null, null, null, null, null, null, null, null, null);

    public BotConfig {
        if (!(temperature >= 0 && temperature <= 2) || !(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("chat: temperature is 0 to 2, top_p above 0 to 1");
        }
        if (!(duelShare >= 0 && duelShare <= 1)) {
            throw new IllegalArgumentException("chat: duel_share is 0 to 1, not " + duelShare);
        }
        if (completionTokensMax < 1 || requestsPerMinute < 1 || pageRequestsPerMinute < 1) {
            throw new IllegalArgumentException("chat: completion_tokens_max and the limits are at least 1");
        }
        if (deadline.isNegative() || deadline.isZero()) {
            throw new IllegalArgumentException("chat: deadline must be positive, is " + deadline);
        }
        for (String origin : origins) {
            if (!origin.matches("\\*|https?://[^/?#]+")) {
                throw new IllegalArgumentException(
                        "chat: origins are written as https://shop.example, not '%s'".formatted(origin));
            }
        }
        thumbReasons = List.copyOf(thumbReasons);
        origins = Set.copyOf(origins);
    }

    @JsonCreator
    static BotConfig of(
            @JsonProperty("page") @Nullable Boolean page,
            @JsonProperty("temperature") @Nullable Double temperature,
            @JsonProperty("top_p") @Nullable Double topP,
            @JsonProperty("completion_tokens_max") @Nullable Integer completionTokensMax,
            @JsonProperty("duel_share") @Nullable Double duelShare,
            @JsonProperty("thumb_reasons") @Nullable List<String> thumbReasons,
            @JsonProperty("requests_per_minute") @Nullable Integer requestsPerMinute,
            @JsonProperty("page_requests_per_minute") @Nullable Integer pageRequestsPerMinute,
            @JsonProperty("origins") @Nullable Set<String> origins,
            @JsonProperty("deadline") @Nullable String deadline) {
        return new BotConfig(
                Optional.ofNullable(page).orElse(false),
                Optional.ofNullable(temperature).orElse(.7),
                Optional.ofNullable(topP).orElse(1.0),
                Optional.ofNullable(completionTokensMax).orElse(128),
                Optional.ofNullable(duelShare).orElse(0.0),
                Optional.ofNullable(thumbReasons).orElse(List.of()),
                Optional.ofNullable(requestsPerMinute).orElse(60_000),
                Optional.ofNullable(pageRequestsPerMinute).orElse(60),
                Optional.ofNullable(origins).orElse(Set.of()),
                Duration.parse(Optional.ofNullable(deadline).orElse("PT60S")));
    }

    /** Whether visitors without a key of their own may chat. */
    public boolean visitors() {
        return page || !origins.isEmpty();
    }
}
