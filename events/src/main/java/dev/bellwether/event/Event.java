package dev.bellwether.event;

/** A record of a topic; {@code schema} numbers the form it is written in. */
public sealed interface Event
        permits Interaction,
                Feedback,
                RatedInteraction,
                PreferencePair,
                PolicyScorecard,
                RolloutCommand,
                RolloutState,
                RolloutTransition,
                RefreshRequest,
                RefreshProgress,
                Erasure,
                DeadLetter {
    /** The only form there is so far. */
    int SCHEMA = 1;

    int schema();
}
