package dev.bellwether.event;

/** Why an interaction was served by its arm; only {@link #SPLIT} counts in an experiment. */
public enum AssignmentReason {
    /** Drawn by the user's hash. */
    SPLIT,
    /** No user was named, or nothing is being tried. */
    DEFAULT,
    /** The operator fixed the version. */
    PINNED,
    /** Kept on the anchor version to see the long-run gain. */
    HOLDOUT,
    /** The gateway knew only an old state. */
    STALE
}
