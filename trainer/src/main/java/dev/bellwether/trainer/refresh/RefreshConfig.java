package dev.bellwether.trainer.refresh;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.bellwether.trainer.external.ExternalConfig;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.release.KnownAnswer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * When a bot is refreshed and how: the section {@code refresh} of {@code bots.yaml}.
 *
 * @param judgements new judgements that start a refresh
 * @param interval after this time fewer do
 * @param judgementsMin but never fewer than these
 * @param pairsMin comparisons without which a refresh is skipped; a thumb is half of one
 * @param temperature of the bot's replies
 * @param topP of the bot's replies, the share of probability that their tokens are drawn from
 * @param steps of PPO
 * @param rewardBase the checkpoint that the reward model of a bot starts from whose champion is an upstream
 * @param quarantine whether nothing is learned from people who came in a burst
 * @param training what of the model is trained, and where
 * @param external the command that trains the policy; none where the bot's objective does
 * @param suite questions whose answers no version may unlearn
 * @param kept of how many refreshes data and versions that nothing names stay, the latest ones
 */
public record RefreshConfig(
        int judgements,
        Duration interval,
        int judgementsMin,
        int pairsMin,
        double temperature,
        double topP,
        int completionTokensMax,
        int steps,
        double klBudget,
        long seed,
        String rewardBase,
        boolean quarantine,
        TrainingConfig training,
        @Nullable ExternalConfig external,
        List<KnownAnswer> suite,
        int kept) {

    private static final double SAMPLING_LEAST = .2;
    private static final int KEPT = 10;

    public RefreshConfig {
        suite = List.copyOf(suite);
        if (judgements < 1 || judgementsMin < 1 || pairsMin < 1 || steps < 1 || completionTokensMax < 1) {
            throw new IllegalArgumentException("refresh: judgements, pairs, steps and tokens are at least 1");
        }
        if (!(temperature >= 0 && temperature <= 2) || !(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("refresh: temperature is 0 to 2 and top_p above 0 to 1, not %s and %s"
                    .formatted(temperature, topP));
        }
        if (kept < 1) {
            throw new IllegalArgumentException(
                    "refresh: kept is %d; the latest refresh stays at least".formatted(kept));
        }
        if (interval.isNegative() || !(klBudget > 0)) {
            throw new IllegalArgumentException(
                    "refresh: interval is %s and kl_budget %s; neither may be below 0".formatted(interval, klBudget));
        }
    }

    @JsonCreator
    static RefreshConfig of(
            @JsonProperty("judgements") @Nullable Integer judgements,
            @JsonProperty("interval") @Nullable String interval,
            @JsonProperty("judgements_min") @Nullable Integer judgementsMin,
            @JsonProperty("pairs_min") @Nullable Integer pairsMin,
            @JsonProperty("temperature") @Nullable Double temperature,
            @JsonProperty("top_p") @Nullable Double topP,
            @JsonProperty("completion_tokens_max") @Nullable Integer completionTokensMax,
            @JsonProperty("steps") @Nullable Integer steps,
            @JsonProperty("kl_budget") @Nullable Double klBudget,
            @JsonProperty("seed") @Nullable Long seed,
            @JsonProperty("reward_base") @Nullable String rewardBase,
            @JsonProperty("quarantine") @Nullable Boolean quarantine,
            @JsonProperty("training") @Nullable TrainingConfig training,
            @JsonProperty("external") @Nullable ExternalConfig external,
            @JsonProperty("suite") @Nullable List<KnownAnswer> suite,
            @JsonProperty("kept") @Nullable Integer kept) {
        return new RefreshConfig(
                Optional.ofNullable(judgements).orElse(1_500),
                Duration.parse(Optional.ofNullable(interval).orElse("PT24H")),
                Optional.ofNullable(judgementsMin).orElse(500),
                Optional.ofNullable(pairsMin).orElse(100),
                Optional.ofNullable(temperature).orElse(.7),
                Optional.ofNullable(topP).orElse(1.0),
                Optional.ofNullable(completionTokensMax).orElse(128),
                Optional.ofNullable(steps).orElse(PpoConfig.DEFAULT.steps()),
                Optional.ofNullable(klBudget).orElse(15.0),
                Optional.ofNullable(seed).orElse(1L),
                Optional.ofNullable(rewardBase).orElse("default"),
                Optional.ofNullable(quarantine).orElse(true),
                Optional.ofNullable(training).orElse(TrainingConfig.DEFAULT),
                external,
                Optional.ofNullable(suite).orElse(List.of()),
                Optional.ofNullable(kept).orElse(KEPT));
    }

    public static RefreshConfig defaults() {
        return of(null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
    }

    /** These settings with another seed. */
    RefreshConfig withSeed(long own) {
        return new RefreshConfig(
                judgements,
                interval,
                judgementsMin,
                pairsMin,
                temperature,
                topP,
                completionTokensMax,
                steps,
                klBudget,
                own,
                rewardBase,
                quarantine,
                training,
                external,
                suite,
                kept);
    }

    /**
     * At which replies are drawn to learn from and to be examined: the bot's own, but for one that always says the likeliest,
     * which is told nothing by its own replies.
     */
    double samplingTemperature() {
        return temperature < SAMPLING_LEAST ? PpoConfig.DEFAULT.temperature() : temperature;
    }
}
