package dev.bellwether.stream.pairing;

import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.erasure.Forgotten;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.streams.state.WindowStore;

/** One person's tries of one question in one conversation, judged or not, each by itself and for a day. */
final class Tries {
    /** Of one conversation so many are looked at, the newest. */
    static final int TRIES_MAX = 64;

    private final WindowStore<String, RatedInteraction> store;

    Tries(WindowStore<String, RatedInteraction> store) {
        this.store = store;
    }

    /** Whether it is news, here or elsewhere. */
    boolean remember(String prompt, RatedInteraction arrived) {
        Interaction interaction = arrived.interaction();
        String key = conversation(prompt, interaction) + "/" + interaction.interactionId();
        long time = InteractionId.time(interaction.interactionId());
        RatedInteraction known = store.fetch(key, time);
        if (known != null && known.revision() >= arrived.revision()) {
            return false;
        }
        if (known != null || PairRules.mayReplaceAnother(interaction) || PairRules.regeneratedAway(arrived)) {
            store.put(key, arrived, time);
        }
        return true;
    }

    /** Whether {@code each} may be what was kept: somebody asked for another reply in its conversation. */
    boolean mayBeKept(String prompt, RatedInteraction each) {
        List<RatedInteraction> newest = of(prompt, each);
        return newest.size() == TRIES_MAX || newest.stream().anyMatch(PairRules::regeneratedAway);
    }

    /** The tries in the conversation of {@code each}, newest first. */
    List<RatedInteraction> of(String prompt, RatedInteraction each) {
        return Newest.of(store, conversation(prompt, each.interaction()), TRIES_MAX);
    }

    /** Of one length, so that no other's key lies between those of one conversation. */
    static String conversation(String prompt, Interaction interaction) {
        String user = Optional.ofNullable(interaction.userHash()).orElse("");
        return conversation(prompt, user, interaction.conversationId());
    }

    private static String conversation(String prompt, String user, String id) {
        return prompt + "/" + PromptKey.hash(user + "\u0000" + id);
    }

    void forget(Forgotten gone) {
        if (gone.place() != null) {
            String conversation = conversation(
                    gone.place().prompt(), gone.userHash(), gone.place().conversationId());
            store.put(conversation + "/" + gone.interactionId(), null, InteractionId.time(gone.interactionId()));
        }
    }
}
