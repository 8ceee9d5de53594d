package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How far a refresh is.
 *
 * @param stage {@code snapshot}, {@code reward}, {@code judge}, {@code distil}, {@code sharpen}, the objective's name or
 *     {@code external}, {@code gate}, {@code publish}, {@code done}; {@code waiting} after a failure
 * @param fraction of the stage, 0 to 1
 * @param report what came of it; none before {@code done}
 * @param problem why it failed and waits for another try; none otherwise
 */
public record RefreshProgress(
        int schema,
        String refreshId,
        String bot,
        String stage,
        double fraction,
        Map<String, Double> metrics,
        @Nullable Report report,
        @Nullable String problem,
        long time)
        implements Event {

    public RefreshProgress {
        metrics = Map.copyOf(metrics);
    }

    /**
     * The outcome of a refresh.
     *
     * @param version the version that was made; none when it was skipped or stopped, or made a reward model alone
     * @param rewardAccuracy of the reward model on held-out pairs
     * @param kl of the candidate from its reference, in nats a reply
     * @param passed whether the release gate let it through; without a version, whether a reward model was published
     *     for an upstream's bot
     * @param reasons why not, what was missing, or what was published instead of a version
     */
    public record Report(
            @Nullable String version,
            long judgements,
            long pairs,
            double rewardAccuracy,
            double kl,
            double seconds,
            @JsonProperty("passed") boolean passed,
            List<String> reasons) {}
}
