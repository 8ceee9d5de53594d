package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.bellwether.policy.engine.ModelLimits;
import dev.bellwether.policy.engine.Precision;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What replies come from: the section {@code serving} of {@code bots.yaml}.
 *
 * @param fallbacks versions that are asked in this order when the assigned one fails
 * @param bestOf replies that the reward model chooses from; 1 serves the only one
 * @param duelOf replies of which the two of a duel are those that the reward model doubts most; 2 are any two
 * @param concurrent chats of this bot under way at once
 * @param prices by the upstream's name of the model
 * @param recordTokens whether interactions hold the tokens that a model of one's own drew, with their log-probabilities
 * @param limits of a version with weights of its own; they hold from its next loading on
 * @param vllm the server that serves versions with weights; none where this gateway does
 */
public record ServingConfig(
        List<String> fallbacks,
        int bestOf,
        int duelOf,
        int concurrent,
        Map<String, Price> prices,
        boolean recordTokens,
        ModelLimits limits,
        @Nullable VllmConfig vllm) {
    public static final ServingConfig DEFAULT =
            of(null, null, null, null, null, null, null, null, null, null, null, null);

    private static final int BEST_OF_MAX = 16;

    /** Of a million tokens, in one currency for all. */
    public record Price(
            @JsonProperty(required = true) double input,
            @JsonProperty(required = true) double output) {
        public Price {
            if (!(input >= 0 && output >= 0)) {
                throw new IllegalArgumentException("serving: prices are not negative");
            }
        }

        public double of(long inputTokens, long outputTokens) {
            return (input * inputTokens + output * outputTokens) / 1e6;
        }
    }

    public ServingConfig {
        if (bestOf < 1 || bestOf > BEST_OF_MAX) {
            throw new IllegalArgumentException("serving: best_of is 1 to %d, not %d".formatted(BEST_OF_MAX, bestOf));
        }
        if (duelOf < 2 || duelOf > BEST_OF_MAX) {
            throw new IllegalArgumentException("serving: duel_of is 2 to %d, not %d".formatted(BEST_OF_MAX, duelOf));
        }
        if (concurrent < 1) {
            throw new IllegalArgumentException("serving: concurrent is at least 1, not " + concurrent);
        }
        fallbacks = List.copyOf(fallbacks);
        prices = Map.copyOf(prices);
    }

    @JsonCreator
    static ServingConfig of(
            @JsonProperty("fallbacks") @Nullable List<String> fallbacks,
            @JsonProperty("best_of") @Nullable Integer bestOf,
            @JsonProperty("duel_of") @Nullable Integer duelOf,
            @JsonProperty("concurrent") @Nullable Integer concurrent,
            @JsonProperty("prices") @Nullable Map<String, Price> prices,
            @JsonProperty("record_tokens") @Nullable Boolean recordTokens,
            @JsonProperty("context_max") @Nullable Integer contextMax,
            @JsonProperty("memory_max") @Nullable String memoryMax,
            @JsonProperty("threads") @Nullable Integer threads,
            @JsonProperty("precision") @Nullable Precision precision,
            @JsonProperty("device") @Nullable String device,
            @JsonProperty("vllm") @Nullable VllmConfig vllm) {
        return new ServingConfig(
                Optional.ofNullable(fallbacks).orElse(List.of()),
                Optional.ofNullable(bestOf).orElse(1),
                Optional.ofNullable(duelOf).orElse(2),
                Optional.ofNullable(concurrent).orElse(512),
                Optional.ofNullable(prices).orElse(Map.of()),
                Boolean.TRUE.equals(recordTokens),
                new ModelLimits(
                        Optional.ofNullable(contextMax),
                        memoryMax == null
                                ? ModelLimits.DEFAULT.memoryMaxBytes()
                                : MemorySize.parse("serving: memory_max", memoryMax),
                        Optional.ofNullable(threads).orElse(ModelLimits.DEFAULT.threads()),
                        Optional.ofNullable(precision),
                        Optional.ofNullable(device).orElse(ModelLimits.DEFAULT.device())),
                vllm);
    }

    /** Whether a reward model chooses what goes out. */
    public boolean chooses() {
        return bestOf > 1 || duelOf > 2;
    }
}
