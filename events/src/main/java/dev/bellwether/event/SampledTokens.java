package dev.bellwether.event;

import java.util.List;

/**
 * The tokens that a reply was drawn as, the one that ended it included.
 *
 * @param ids of the version's own tokenizer
 * @param logProbabilities of each at the sampling temperature, before top-p
 */
public record SampledTokens(List<Integer> ids, List<Float> logProbabilities) {
    public SampledTokens {
        ids = List.copyOf(ids);
        logProbabilities = List.copyOf(logProbabilities);
        if (ids.size() != logProbabilities.size()) {
            throw new IllegalArgumentException(
                    "%d tokens with %d log-probabilities".formatted(ids.size(), logProbabilities.size()));
        }
    }
}
