package dev.bellwether.event;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two responses to one prompt, the first preferred.
 *
 * @param weight how much it counts in training
 * @param judges hashes of the people whose judgement it rests on
 */
public record PreferencePair(
        int schema,
        String pairId,
        String bot,
        List<Message> prompt,
        Response chosen,
        Response rejected,
        Origin origin,
        double weight,
        List<String> judges,
        Source source,
        String conversationId,
        long time)
        implements Event {

    public PreferencePair {
        Valid.named(pairId, "pair_id");
        Valid.named(bot, "bot");
        Valid.share(weight, "weight");
        prompt = List.copyOf(prompt);
        judges = List.copyOf(judges);
    }

    /**
     * One side of a pair.
     *
     * @param version none where a person wrote the text
     */
    public record Response(
            String text, String interactionId, @Nullable String version, int side) {}

    /** Which rule made a pair. */
    public enum Origin {
        DUEL,
        /** A duel between the replies, of several, that the reward model doubted most. */
        DOUBTED_DUEL,
        RANKING,
        EDIT,
        REGENERATE,
        THUMBS;

        public boolean duel() {
            return this == DUEL || this == DOUBTED_DUEL;
        }
    }
}
