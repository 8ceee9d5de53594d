package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * One reply of an interaction.
 *
 * @param version the policy version that generated it
 * @param side where it stood on the screen in a duel, 0 or 1; 0 without one
 * @param finishReason {@code stop}, {@code length}, or another word of the upstream's
 * @param sampled its tokens; none unless the bot's settings ask for them, and none of an upstream
 * @param toolCalls OpenAI's {@code tool_calls}; none in a reply that calls no tools
 */
public record Reply(
        String text,
        String version,
        int side,
        String finishReason,
        int promptTokens,
        int completionTokens,
        double temperature,
        double topP,
        @Nullable JsonNode toolCalls,
        @Nullable SampledTokens sampled) {
    @JsonCreator
    public Reply(
            @JsonProperty("text") String text,
            @JsonProperty("version") String version,
            @JsonProperty("side") int side,
            @JsonProperty("finish_reason") String finishReason,
            @JsonProperty("prompt_tokens") int promptTokens,
            @JsonProperty("completion_tokens") int completionTokens,
            @JsonProperty("temperature") double temperature,
            @JsonProperty("top_p") double topP,
            @JsonProperty("tool_calls") @Nullable JsonNode toolCalls,
            @JsonProperty("sampled") @Nullable SampledTokens sampled) {
        this.text = text;
        this.version = version;
        this.side = side;
        this.finishReason = finishReason;
        this.promptTokens = promptTokens;
        this.completionTokens = completionTokens;
        this.temperature = temperature;
        this.topP = topP;
        this.toolCalls = toolCalls == null || toolCalls.isNull() ? null : toolCalls;
        this.sampled = sampled;
    }

    public Reply(
            String text,
            String version,
            int side,
            String finishReason,
            int promptTokens,
            int completionTokens,
            double temperature,
            double topP) {
        this(text, version, side, finishReason, promptTokens, completionTokens, temperature, topP, null, null);
    }
}
