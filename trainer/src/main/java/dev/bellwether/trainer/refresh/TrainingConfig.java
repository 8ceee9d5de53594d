package dev.bellwether.trainer.refresh;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.engine.ScorerConfig;
import dev.bellwether.trainer.model.Trained;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What of a model is trained, from how many replies, and where: the section {@code training} of a bot's {@code refresh}.
 *
 * @param kind all weights or adapters
 * @param lora the adapters' settings, where they are trained
 * @param deviceSetting {@code auto}, {@code cpu} or {@code cuda:N}
 * @param warmStart whether the policy goes on from the champion; else it begins again at the first version
 * @param objective what the policy is trained by
 * @param bestOf how many of its own replies the policy learns the best of before PPO
 * @param rollouts replies of a step of PPO
 * @param sampleTokensMax of prompt and reply together; longer ones are not learned from
 * @param relevance whether rewards may hold how relevant replies are, as far as judgements ask for it
 * @param sharpen whether a policy is made surer of what it says, as far as that pleases and replies stay different
 */
public record TrainingConfig(
        Trained kind,
        LoraConfig lora,
        String deviceSetting,
        boolean warmStart,
        Objective objective,
        BestOfN.Config bestOf,
        int rollouts,
        int sampleTokensMax,
        boolean relevance,
        boolean sharpen) {
    public static final TrainingConfig DEFAULT = new TrainingConfig(
            Trained.AUTO,
            LoraConfig.DEFAULT,
            "auto",
            true,
            Objective.PPO,
            BestOfN.Config.DEFAULT,
            PpoConfig.DEFAULT.rollouts(),
            ScorerConfig.SAMPLE_TOKENS_MAX,
            true,
            true);

    private static final int SAMPLE_TOKENS_LEAST = 32;

    private static final String CHAMPION = "champion";
    private static final String ORIGIN = "origin";

    public TrainingConfig {
        int least = objective == Objective.RLOO ? PpoConfig.DEFAULT.replies() : 1;
        if (rollouts < least) {
            throw new IllegalArgumentException("training: rollouts are at least %d with objective %s, not %d"
                    .formatted(least, objective.label(), rollouts));
        }
        if (sampleTokensMax < SAMPLE_TOKENS_LEAST) {
            throw new IllegalArgumentException("training: sample_tokens_max is %d at least, not %d"
                    .formatted(SAMPLE_TOKENS_LEAST, sampleTokensMax));
        }
    }

    @JsonCreator
    static TrainingConfig of(
            @JsonProperty("kind") @Nullable String kind,
            @JsonProperty("rank") @Nullable Integer rank,
            @JsonProperty("alpha") @Nullable Double alpha,
            @JsonProperty("targets") @Nullable List<String> targets,
            @JsonProperty("device") @Nullable String device,
            @JsonProperty("warm_start") @Nullable String warmStart,
            @JsonProperty("objective") @Nullable Objective objective,
            @JsonProperty("best_of") BestOfN.@Nullable Config bestOf,
            @JsonProperty("rollouts") @Nullable Integer rollouts,
            @JsonProperty("sample_tokens_max") @Nullable Integer sampleTokensMax,
            @JsonProperty("relevance") @Nullable Boolean relevance,
            @JsonProperty("sharpen") @Nullable Boolean sharpen) {
        LoraConfig standard = LoraConfig.DEFAULT;
        int ownRank = Optional.ofNullable(rank).orElse(standard.rank());
        return new TrainingConfig(
                Optional.ofNullable(kind).map(TrainingConfig::kind).orElse(Trained.AUTO),
                new LoraConfig(
                        ownRank,
                        Optional.ofNullable(alpha).orElse(2.0 * ownRank),
                        Optional.ofNullable(targets).orElse(standard.targets())),
                Optional.ofNullable(device).orElse("auto"),
                warm(Optional.ofNullable(warmStart).orElse(CHAMPION)),
                Optional.ofNullable(objective).orElse(DEFAULT.objective),
                Optional.ofNullable(bestOf).orElse(BestOfN.Config.DEFAULT),
                Optional.ofNullable(rollouts).orElse(PpoConfig.DEFAULT.rollouts()),
                Optional.ofNullable(sampleTokensMax).orElse(ScorerConfig.SAMPLE_TOKENS_MAX),
                Optional.ofNullable(relevance).orElse(true),
                Optional.ofNullable(sharpen).orElse(true));
    }

    /** As it is read. */
    @JsonValue
    Map<String, Object> toJson() {
        return Map.ofEntries(
                Map.entry("kind", kind.label()),
                Map.entry("rank", lora.rank()),
                Map.entry("alpha", lora.alpha()),
                Map.entry("targets", lora.targets()),
                Map.entry("device", deviceSetting),
                Map.entry("warm_start", warmStart ? CHAMPION : ORIGIN),
                Map.entry("objective", objective),
                Map.entry("best_of", bestOf),
                Map.entry("rollouts", rollouts),
                Map.entry("sample_tokens_max", sampleTokensMax),
                Map.entry("relevance", relevance),
                Map.entry("sharpen", sharpen));
    }

    private static boolean warm(String from) {
        if (!from.equals(CHAMPION) && !from.equals(ORIGIN)) {
            throw new IllegalArgumentException(
                    "training: warm_start is %s or %s, not '%s'".formatted(CHAMPION, ORIGIN, from));
        }
        return from.equals(CHAMPION);
    }

    private static Trained kind(String name) {
        try {
            return Trained.of(name);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("training: " + e.getMessage(), e);
        }
    }

    /** Adapters for {@code model}; none where all its weights are trained. */
    Optional<LoraConfig> adapters(CheckpointConfig model) {
        return kind.adapters(model) ? Optional.of(lora) : Optional.empty();
    }

    /** What learning rates are multiplied with. */
    double learningRateFactor(CheckpointConfig model) {
        return kind.learningRateFactor(model);
    }

    ComputeDevice device() {
        return ComputeDevice.of(deviceSetting);
    }
}
