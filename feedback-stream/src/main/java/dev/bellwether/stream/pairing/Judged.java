package dev.bellwether.stream.pairing;

import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Source;
import java.util.List;
import java.util.Map;

/**
 * A judged interaction of a prompt, and the pairs in force that it is in, by their id.
 *
 * <p>A pair is held by each judged interaction that it is of, so that it can be taken back whenever one of them changes,
 * whether or not the others are looked at then.
 */
record Judged(RatedInteraction rated, Map<String, Held> pairs) {
    Judged {
        pairs = Map.copyOf(pairs);
    }

    String id() {
        return rated.interaction().interactionId();
    }

    /**
     * A pair in force: what it follows from, and all of it that may change while its id stays.
     *
     * @param interactions that its replies are of
     * @param chosenSide of the chosen reply, as {@code rejectedSide}: an interaction may have the same text on both
     * @param restsOn the judgements that it follows from, by interaction
     */
    record Held(
            Origin origin,
            double weight,
            long time,
            Source source,
            List<String> interactions,
            int chosenSide,
            int rejectedSide,
            Map<String, String> restsOn) {
        Held {
            interactions = List.copyOf(interactions);
            restsOn = Map.copyOf(restsOn);
        }

        static Held of(PairRules.Ruled ruled) {
            PreferencePair pair = ruled.pair();
            return new Held(
                    pair.origin(),
                    pair.weight(),
                    pair.time(),
                    pair.source(),
                    List.of(pair.chosen().interactionId(), pair.rejected().interactionId()),
                    pair.chosen().side(),
                    pair.rejected().side(),
                    ruled.restsOn());
        }
    }
}
