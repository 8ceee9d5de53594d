package dev.bellwether.trainer.dataset;

import dev.bellwether.event.Erasure;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.PreferencePair;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who asked to be forgotten, and up to when: what began later is of somebody who came back. What began shortly after counts
 * as before, since another gateway's clock may be ahead.
 */
public final class Erasures {
    private static final Duration CLOCKS_APART_MAX = Duration.ofHours(1);

    private final Map<String, Long> upTo = new HashMap<>();

    /** Whether it says something new. */
    public boolean add(Erasure erasure) {
        Long known = upTo.get(erasure.userHash());
        upTo.merge(erasure.userHash(), erasure.time(), Math::max);
        return known == null || known < erasure.time();
    }

    public boolean isEmpty() {
        return upTo.isEmpty();
    }

    boolean cover(Interaction interaction) {
        return covers(interaction.userHash(), interaction.interactionId());
    }

    boolean cover(PreferencePair pair) {
        return pair.judges().stream()
                .anyMatch(judge -> Stream.of(pair.chosen(), pair.rejected())
                        .anyMatch(response -> covers(judge, response.interactionId())));
    }

    private boolean covers(@Nullable String user, String interactionId) {
        Long time = user == null ? null : upTo.get(user);
        return time != null && InteractionId.time(interactionId) <= time + CLOCKS_APART_MAX.toMillis();
    }
}
