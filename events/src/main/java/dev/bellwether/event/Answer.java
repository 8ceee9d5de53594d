package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who answered an interaction, and what it took.
 *
 * @param failures versions that were asked before and failed; the reply does not count for them
 * @param model what the upstream calls the model that answered; none for a local policy
 * @param firstTokenMillis from the request to the first token
 * @param promptTokens read; 0 where the upstream does not say
 * @param completionTokens generated, all replies and candidates together
 * @param cost by the prices of {@code bots.yaml}, in their currency; none where no price is known
 * @param rival the other arm's version, where a duel asked it in vain; none otherwise and in records of before
 * @param candidates what was generated to choose from, best first, where the reward model chose; else empty
 * @param doubted whether it chose for a duel the two that it doubts most; none otherwise and in records of before
 */
public record Answer(
        List<Failure> failures,
        @Nullable String model,
        long firstTokenMillis,
        int promptTokens,
        int completionTokens,
        @Nullable Double cost,
        @Nullable Failure rival,
        @JsonSetter(nulls = Nulls.AS_EMPTY) List<Candidate> candidates,
        @Nullable Boolean doubted) {

    /** A version that was asked and failed, and why. */
    public record Failure(String version, String reason) {}

    /**
     * A reply that was generated to choose from.
     *
     * @param index in the order of generation
     * @param score the reward model's, with the spread of its heads
     * @param served whether it went out
     */
    public record Candidate(int index, double score, double spread, boolean served) {}

    public Answer {
        failures = List.copyOf(failures);
        candidates = List.copyOf(candidates);
    }
}
