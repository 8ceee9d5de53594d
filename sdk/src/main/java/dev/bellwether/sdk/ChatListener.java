package dev.bellwether.sdk;

/** Follows a reply while it is generated; called in order, one call at a time. */
@FunctionalInterface
public interface ChatListener {
    /** A further piece of the choice with this index. */
    void onText(int choice, String text);

    /** The choice is whole; {@code finishReason} is {@code stop}, or {@code length} when it was cut. */
    default void onEnd(int choice, String finishReason) {}
}
