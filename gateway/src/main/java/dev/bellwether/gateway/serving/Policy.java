package dev.bellwether.gateway.serving;

import dev.bellwether.policy.engine.ModelFootprint;
import java.util.Optional;

/** A version of a bot that can be asked for replies. */
public sealed interface Policy extends AutoCloseable permits LocalPolicy, UpstreamPolicy, VllmPolicy {
    String version();

    /** Whether it can answer now; not while its engine is being replaced. */
    boolean ready();

    /** What it takes of this machine's memory; nothing where another machine serves it. */
    ModelFootprint footprint();

    /** Asks for replies, from an event loop; refusals reach the listener as failures. */
    Generation reply(Ask ask, ReplyListener listener);

    /** Keeps the policy open until the use is closed; empty when it is being closed itself. */
    Optional<Use> use();

    /** A policy that somebody is about to ask. */
    interface Use extends AutoCloseable {
        Policy policy();

        @Override
        void close();
    }

    /** Replies that their caller may cancel. */
    interface Generation {
        void cancel();

        /** Asks for no more pieces for now, where the policy can do that. */
        default void pause() {}

        default void resume() {}
    }

    @Override
    void close();
}
