package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a bot's rollout stands; what gateways assign users by.
 *
 * @param champion the version that serves
 * @param candidate the version being tried; none when idle
 * @param previous the champion before this one
 * @param step index of the canary step
 * @param candidateShare probability of the candidate now
 * @param experiment name of the rollout under way, the salt of its assignment
 * @param frozen nothing moves by itself, the rollback for harm included; commands do
 * @param since when the present phase or step began
 * @param startedAt when the rollout under way began
 * @param held why it is held; none unless {@link Phase#HELD}
 * @param resumesTo the phase that a pause or hold goes back to
 * @param waiting registered versions that wait for their turn
 * @param decided commands already carried out, newest last, so that none counts twice
 */
public record RolloutState(
        int schema,
        String bot,
        long revision,
        String champion,
        @Nullable String candidate,
        @Nullable String previous,
        Phase phase,
        int step,
        double candidateShare,
        @Nullable String experiment,
        @JsonProperty("frozen") boolean frozen,
        long since,
        long startedAt,
        @Nullable String held,
        @Nullable Phase resumesTo,
        List<String> waiting,
        List<String> decided,
        Evidence evidence)
        implements Event {

    public RolloutState {
        Valid.named(bot, "bot");
        Valid.named(champion, "champion");
        Valid.atLeast(0, revision, "revision");
        Valid.atLeast(0, step, "step");
        Valid.share(candidateShare, "candidate_share");
        if ((candidate == null) != (experiment == null) || (candidate == null && candidateShare > 0)) {
            throw new IllegalArgumentException("candidate %s, experiment %s and share %s do not go together"
                    .formatted(candidate, experiment, candidateShare));
        }
        waiting = List.copyOf(waiting);
        decided = List.copyOf(decided);
    }

    /** A bot that tries nothing: {@code champion} serves everyone. */
    public static RolloutState idle(String bot, String champion) {
        return new RolloutState(
                SCHEMA,
                bot,
                0,
                champion,
                null,
                null,
                Phase.IDLE,
                0,
                0,
                null,
                false,
                0,
                0,
                null,
                null,
                List.of(),
                List.of(),
                Evidence.NONE);
    }

    /** The states of the machine; the last three are also where a next rollout starts from. */
    public enum Phase {
        IDLE,
        CANARY,
        AWAITING_APPROVAL,
        PAUSED,
        HELD,
        PROMOTED,
        ROLLED_BACK,
        ABORTED
    }

    /**
     * Largest e-values seen so far in the experiment.
     *
     * @param harm evidence that the candidate gets relatively more down-votes
     * @param nonInferiority evidence that it gets at most a quarter more
     * @param superiority evidence that it gets fewer
     * @param sampleRatio evidence that users do not split by the share
     * @param counted down-votes counted
     */
    public record Evidence(double harm, double nonInferiority, double superiority, double sampleRatio, long counted) {
        public static final Evidence NONE = new Evidence(1, 1, 1, 1, 0);
    }
}
