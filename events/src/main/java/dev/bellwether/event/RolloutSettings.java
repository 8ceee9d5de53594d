package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a bot's versions roll out: the section {@code rollout} of {@code bots.yaml}, and as it was then in the state of a
 * rollout under way.
 *
 * @param steps shares of traffic and how long each is held before the next; the last is held until decided
 * @param approval whether an operator must approve a promotion
 * @param alpha false-alarm rate of each decision
 * @param nonInferiorityMargin relative down-rate that still counts as not worse
 * @param countedMin counted down-votes before anything is promoted
 * @param exposuresMin named users that each arm must have met in a step before the next, and before a promotion
 * @param undecidedMax how long a step waits for users or a decision before it is held
 * @param slowAfter time after which a reply counts as slow
 * @param holdout share of users who stay on an anchor version, to see the long-run gain
 */
public record RolloutSettings(
        List<Step> steps,
        Approval approval,
        double alpha,
        double nonInferiorityMargin,
        long countedMin,
        long exposuresMin,
        Duration undecidedMax,
        Duration slowAfter,
        double holdout) {
    private static final List<Step> STEPS = List.of(
            new Step(.01, Duration.ofMinutes(30)),
            new Step(.05, Duration.ofHours(6)),
            new Step(.25, Duration.ofHours(24)),
            new Step(.5, Duration.ZERO));
    private static final double HOLDOUT_MAX = .5;

    /** A share of traffic and how long it is held at least. */
    public record Step(double share, Duration hold) {
        @JsonCreator
        static Step of(
                @JsonProperty(value = "share", required = true) double share,
                @JsonProperty("hold") @Nullable Duration hold) {
            return new Step(share, Objects.requireNonNullElse(hold, Duration.ZERO));
        }

        public Step {
            if (!(share > 0 && share <= 1)) {
                throw new IllegalArgumentException("rollout: a step's share is above 0 and at most 1, not " + share);
            }
        }
    }

    /** Who lets a version through when the statistics do. */
    public enum Approval {
        @JsonProperty("automatic")
        AUTOMATIC,
        @JsonProperty("required")
        REQUIRED
    }

    public RolloutSettings {
        steps = List.copyOf(steps);
        for (int i = 1; i < steps.size(); i++) {
            if (steps.get(i).share() <= steps.get(i - 1).share()) {
                throw new IllegalArgumentException("rollout: the steps' shares must grow");
            }
        }
        if (steps.isEmpty() || !(alpha > 0 && alpha < 1) || nonInferiorityMargin <= 1) {
            throw new IllegalArgumentException(
                    "rollout: needs steps, alpha between 0 and 1 and non_inferiority_margin above 1");
        }
        Valid.atLeast(0, countedMin, "rollout: counted_min");
        Valid.atLeast(0, exposuresMin, "rollout: exposures_min");
        if (!(holdout >= 0 && holdout <= HOLDOUT_MAX)) {
            throw new IllegalArgumentException(
                    "rollout: holdout is between 0 and %s, not %s".formatted(HOLDOUT_MAX, holdout));
        }
    }

    @JsonCreator
    static RolloutSettings of(
            @JsonProperty("steps") @Nullable List<Step> steps,
            @JsonProperty("approval") @Nullable Approval approval,
            @JsonProperty("alpha") @Nullable Double alpha,
            @JsonProperty("non_inferiority_margin") @Nullable Double margin,
            @JsonProperty("counted_min") @Nullable Long countedMin,
            @JsonProperty("exposures_min") @Nullable Long exposuresMin,
            @JsonProperty("undecided_max") @Nullable Duration undecidedMax,
            @JsonProperty("slow_after") @Nullable Duration slowAfter,
            @JsonProperty("holdout") @Nullable Double holdout) {
        return new RolloutSettings(
                Objects.requireNonNullElse(steps, STEPS),
                Objects.requireNonNullElse(approval, Approval.REQUIRED),
                Objects.requireNonNullElse(alpha, .05),
                Objects.requireNonNullElse(margin, 1.25),
                Objects.requireNonNullElse(countedMin, 30L),
                Objects.requireNonNullElse(exposuresMin, 200L),
                Objects.requireNonNullElse(undecidedMax, Duration.ofDays(14)),
                Objects.requireNonNullElse(slowAfter, Duration.ofSeconds(3)),
                Objects.requireNonNullElse(holdout, .02));
    }

    public static RolloutSettings defaults() {
        return of(null, null, null, null, null, null, null, null, null);
    }
}
