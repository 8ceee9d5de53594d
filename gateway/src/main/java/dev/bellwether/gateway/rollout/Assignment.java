package dev.bellwether.gateway.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Anchor;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which arm serves a user: a pure function of the rollout's state and the user, so that every gateway agrees and a
 * growing share keeps who is already in.
 *
 * @param holdout the comparison with the hold-out that the user is in, on either side; none otherwise
 * @param rival the other arm's version, where the user's duels are between the arms; else none
 */
public record Assignment(
        Arm arm,
        String version,
        double candidateShare,
        AssignmentReason reason,
        @Nullable String holdout,
        @Nullable String rival) {
    private static final int BUCKETS = 10_000;

    /** Share of the candidate from which on arms are compared side by side: by then it has shown no harm to fewer users. */
    private static final double RIVALS_FROM = .25;

    /** Of the users: the others' thumbs go on counting, though they have duels too. */
    private static final double RIVALS_SHARE = .5;

    /**
     * The arm of {@code user} in {@code state}; without a user the champion serves and nothing is counted.
     *
     * @param stale whether the state is so old that it may have ended badly since: then nobody gets the candidate
     */
    public static Assignment of(RolloutState state, @Nullable String user, boolean stale) {
        String candidate = state.candidate();
        String experiment = state.experiment();
        if (candidate == null && state.pinned() != null) {
            return new Assignment(Arm.CHAMPION, state.pinned(), 0, AssignmentReason.PINNED, null, null);
        }
        if (stale) {
            return new Assignment(Arm.CHAMPION, state.champion(), 0, AssignmentReason.STALE, null, null);
        }
        if (user == null) {
            return new Assignment(Arm.CHAMPION, state.champion(), 0, AssignmentReason.DEFAULT, null, null);
        }
        Anchor anchor = state.anchor();
        String holdout = null;
        if (anchor != null && !anchor.version().equals(state.champion())) {
            holdout = anchor.experiment();
            if (in(holdout, user, anchor.share())) {
                return new Assignment(Arm.CHAMPION, anchor.version(), 0, AssignmentReason.HOLDOUT, holdout, null);
            }
        }
        if (candidate == null || experiment == null || state.candidateShare() <= 0) {
            return new Assignment(Arm.CHAMPION, state.champion(), 0, AssignmentReason.DEFAULT, holdout, null);
        }
        boolean inCandidate = in("arm:" + experiment, user, state.candidateShare());
        boolean rivals = state.candidateShare() >= RIVALS_FROM && in("rivals:" + experiment, user, RIVALS_SHARE);
        return new Assignment(
                inCandidate ? Arm.CANDIDATE : Arm.CHAMPION,
                inCandidate ? candidate : state.champion(),
                state.candidateShare(),
                AssignmentReason.SPLIT,
                inCandidate ? null : holdout,
                rivals ? (inCandidate ? state.champion() : candidate) : null);
    }

    private static boolean in(String salt, String user, double share) {
        return bucket(salt, user) < Math.round(share * BUCKETS);
    }

    /** One of 10 000 buckets by murmur3 (x86, 32 bit) of {@code salt:user}. */
    static int bucket(String salt, String user) {
        return Integer.remainderUnsigned(murmur3((salt + ":" + user).getBytes(StandardCharsets.UTF_8)), BUCKETS);
    }

    /** MurmurHash3_x86_32 with seed 0, by Austin Appleby (public domain). */
    static int murmur3(byte[] data) {
        int hash = 0;
        int blocks = data.length / 4;
        for (int i = 0; i < blocks; i++) {
            hash ^= scramble((data[4 * i] & 0xff)
                    | (data[4 * i + 1] & 0xff) << 8
                    | (data[4 * i + 2] & 0xff) << 16
                    | (data[4 * i + 3] & 0xff) << 24);
            hash = Integer.rotateLeft(hash, 13) * 5 + 0xe6546b64;
        }
        int tail = 0;
        for (int i = data.length - 1; i >= 4 * blocks; i--) {
            tail = tail << 8 | (data[i] & 0xff);
        }
        hash ^= scramble(tail);
        hash ^= data.length;
        hash ^= hash >>> 16;
        hash *= 0x85ebca6b;
        hash ^= hash >>> 13;
        hash *= 0xc2b2ae35;
        return hash ^ hash >>> 16;
    }

    private static int scramble(int block) {
        return Integer.rotateLeft(block * 0xcc9e2d51, 15) * 0x1b873593;
    }
}
