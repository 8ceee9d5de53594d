package dev.bellwether.gateway.serving;

import java.util.List;
import java.util.Optional;

/** Replies under way, and who gives them; their listener hears of them. Runs on the event loop that asked. */
public interface Replies extends Policy.Generation {
    /** A version that was asked in vain. */
    record Failure(String version, PolicyException reason) {}

    void start();

    /** The version that replies for the user's arm, or was asked last. */
    String version();

    /** The version that gives reply {@code choice}. */
    String version(int choice);

    /** Versions that were asked for the user's arm before, and failed. */
    List<Failure> failures();

    /** Of the other arm's version, where a duel asked it in vain. */
    default Optional<Failure> rivalFailure() {
        return Optional.empty();
    }

    /** The time is over: whoever was asked last has failed, and nobody is asked any more. */
    void expire(PolicyException late);
}
