package dev.bellwether.event;

/**
 * One reply of an interaction.
 *
 * @param version the policy version that generated it
 * @param side where it stood on the screen in a duel, 0 or 1; 0 without one
 * @param finishReason {@code stop} or {@code length}
 */
public record Reply(
        String text,
        String version,
        int side,
        String finishReason,
        int promptTokens,
        int completionTokens,
        double temperature,
        double topP) {}
