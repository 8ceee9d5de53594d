package dev.bellwether.stream.rollout;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a bot's versions roll out: the section {@code rollout} of {@code bots.yaml}.
 *
 * @param steps shares of traffic and how long each is held before the next; the last is held until decided
 * @param approval whether an operator must approve a promotion
 * @param alpha false-alarm rate of each decision
 * @param nonInferiorityMargin relative down-rate that still counts as not worse
 * @param countedMin counted down-votes before anything is promoted
 * @param slowAfter time after which a reply counts as slow
 * @param undecidedMax how long the last step waits for a decision before it is held
 */
public record RolloutConfig(
        List<Step> steps,
        Approval approval,
        double alpha,
        double nonInferiorityMargin,
        long countedMin,
        Duration undecidedMax,
        Duration slowAfter) {
    private static final List<Step> STEPS = List.of(
            new Step(.01, Duration.ofMinutes(30)),
            new Step(.05, Duration.ofHours(6)),
            new Step(.25, Duration.ofHours(24)),
            new Step(.5, Duration.ZERO));

    /** A share of traffic and how long it is held at least. */
    public record Step(double share, Duration hold) {
        @JsonCreator
        static Step of(
                @JsonProperty(value = "share", required = true) double share,
                @JsonProperty("hold") @Nullable String hold) {
            return new Step(share, Duration.parse(Optional.ofNullable(hold).orElse("PT0S")));
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

    public RolloutConfig {
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
    }

    @JsonCreator
    static RolloutConfig of(
            @JsonProperty("steps") @Nullable List<Step> steps,
            @JsonProperty("approval") @Nullable Approval approval,
            @JsonProperty("alpha") @Nullable Double alpha,
            @JsonProperty("non_inferiority_margin") @Nullable Double margin,
            @JsonProperty("counted_min") @Nullable Long countedMin,
            @JsonProperty("undecided_max") @Nullable String undecidedMax,
            @JsonProperty("slow_after") @Nullable String slowAfter) {
        return new RolloutConfig(
                Optional.ofNullable(steps).orElse(STEPS),
                Optional.ofNullable(approval).orElse(Approval.REQUIRED),
                Optional.ofNullable(alpha).orElse(.05),
                Optional.ofNullable(margin).orElse(1.25),
                Optional.ofNullable(countedMin).orElse(30L),
                Duration.parse(Optional.ofNullable(undecidedMax).orElse("P14D")),
                Duration.parse(Optional.ofNullable(slowAfter).orElse("PT3S")));
    }

    public static RolloutConfig defaults() {
        return of(null, null, null, null, null, null, null);
    }
}
