package dev.bellwether.stream.pairing;

import dev.bellwether.event.Interaction;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.stream.GroupedStore;
import dev.bellwether.stream.erasure.Forgotten;
import java.util.List;
import java.util.Optional;

/** One person's tries of one question in one conversation, judged or not, each by itself and for a day. */
final class Tries {
    /** Of one conversation so many are looked at, the newest. */
    static final int TRIES_MAX = 64;

    private final GroupedStore<RatedInteraction> store;

    /** Ids of tries that somebody wanted another reply to: few, so that hardly ever the tries themselves are looked at. */
    private final GroupedStore<String> regenerated;

    Tries(GroupedStore<RatedInteraction> store, GroupedStore<String> regenerated) {
        this.store = store;
        this.regenerated = regenerated;
    }

    /** Whether it is news, here or elsewhere. */
    boolean remember(String prompt, RatedInteraction arrived) {
        Interaction interaction = arrived.interaction();
        String conversation = conversation(prompt, interaction);
        Optional<RatedInteraction> known = store.of(conversation, interaction.interactionId());
        if (known.isPresent() && known.get().revision() >= arrived.revision()) {
            return false;
        }
        if (known.isPresent() || PairRules.mayReplaceAnother(interaction) || PairRules.regeneratedAway(arrived)) {
            store.put(conversation, interaction.interactionId(), arrived);
            if (PairRules.regeneratedAway(arrived)) {
                regenerated.put(conversation, interaction.interactionId(), interaction.interactionId());
            }
        }
        return true;
    }

    /** Whether {@code each} may be what was kept: somebody asked for another reply in its conversation. */
    boolean mayBeKept(String prompt, RatedInteraction each) {
        return !regenerated.newest(conversation(prompt, each.interaction()), 1).isEmpty();
    }

    /** The tries in the conversation of {@code each}, newest first. */
    List<RatedInteraction> of(String prompt, RatedInteraction each) {
        return store.newest(conversation(prompt, each.interaction()), TRIES_MAX);
    }

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
            store.remove(conversation, gone.interactionId());
            regenerated.remove(conversation, gone.interactionId());
        }
    }
}
