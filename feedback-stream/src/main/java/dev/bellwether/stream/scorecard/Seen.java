package dev.bellwether.stream.scorecard;

import dev.bellwether.event.PolicyScorecard.Kind;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What has been counted of a user in an experiment, or must not be any more; that there is one says that the user was
 * exposed.
 *
 * @param voted whether a thumb of theirs was counted; none in what was kept before
 * @param share the largest at which the user met it: shares only grow, and a vote may be on a reply of before
 */
record Seen(boolean up, boolean down, @Nullable Boolean voted, Set<Kind> kinds, double share) {
    Seen {
        kinds = Set.copyOf(kinds);
    }

    static final Seen NOTHING = new Seen(false, false, false, Set.of(), -1);

    Seen with(Observation now) {
        Set<Kind> all = kinds.isEmpty() ? EnumSet.noneOf(Kind.class) : EnumSet.copyOf(kinds);
        all.addAll(now.kinds());
        boolean over = now.leavesVotesOut();
        return new Seen(
                over || up || now.up(),
                over || down || now.down(),
                counted() || (now.up() && !up) || (now.down() && !down),
                all,
                Math.max(share, now.share()));
    }

    /** Whether a thumb of theirs was counted, as far as is known. */
    boolean counted() {
        return voted == null ? up || down : voted;
    }
}
