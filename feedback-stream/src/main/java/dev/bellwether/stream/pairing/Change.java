package dev.bellwether.stream.pairing;

import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.erasure.Forgotten;
import org.jspecify.annotations.Nullable;

/** What changes of a prompt: one of its interactions and its judgements, or that it is forgotten; one of both is there. */
record Change(@Nullable RatedInteraction rated, @Nullable Forgotten forgotten) {}
