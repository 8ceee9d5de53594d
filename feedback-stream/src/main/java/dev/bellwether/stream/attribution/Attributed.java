package dev.bellwether.stream.attribution;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.erasure.Forgotten;

/** What comes of an interaction and its judgements. */
public sealed interface Attributed {
    /** It came, for the first time. */
    record Served(Interaction interaction) implements Attributed {}

    /** Its judgements changed. */
    record Rated(RatedInteraction interaction) implements Attributed {}

    /** A judgement can be of no use. */
    record Lost(DeadLetter letter) implements Attributed {}

    /** It is gone with its user. */
    record Erased(Forgotten interaction) implements Attributed {}
}
