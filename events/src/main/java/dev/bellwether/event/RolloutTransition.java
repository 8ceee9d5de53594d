package dev.bellwether.event;

import org.jspecify.annotations.Nullable;

/**
 * One transition of a rollout, for the audit log.
 *
 * @param version the version it is about
 * @param eValue the e-value that decided it; 0 where none did
 */
public record RolloutTransition(
        int schema,
        String bot,
        long revision,
        long time,
        @Nullable String version,
        RolloutState.Phase from,
        RolloutState.Phase to,
        double candidateShare,
        String who,
        String why,
        double eValue)
        implements Event {}
