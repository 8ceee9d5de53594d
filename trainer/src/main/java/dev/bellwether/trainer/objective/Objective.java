package dev.bellwether.trainer.objective;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a policy is trained by; snapshot, reward model, gate and publication are the same for all. */
public enum Objective {
    /** Own replies against the reward model, with a critic. */
    PPO,
    /** Own replies against the reward model, several to a prompt, each against the others. */
    RLOO,
    /** Comparisons themselves. */
    DPO,
    /** Thumbs and the sides of comparisons, each by itself. */
    KTO;

    @JsonCreator
    public static Objective of(String name) {
        return Arrays.stream(values())
                .filter(each -> each.label().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("training: objective is %s, not '%s'"
                        .formatted(
                                Arrays.stream(values()).map(Objective::label).collect(Collectors.joining(", ")),
                                name)));
    }

    /** Whether a policy learns from replies of its own. */
    public boolean online() {
        return this == PPO || this == RLOO;
    }

    /** Its name in settings and progress. */
    @JsonValue
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
