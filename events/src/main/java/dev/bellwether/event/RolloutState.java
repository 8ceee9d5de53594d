package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Votes;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
 * @param waiting the registered version that waits for its turn, if one does
 * @param decided commands already carried out, newest last, so that none counts twice
 * @param settings of the rollout under way, as they were when it started
 * @param watch what was seen of the present step; none when idle
 * @param loads what gateways say of the candidate; none while none did
 * @param attempts how often each version was tried, the latest versions
 * @param pinned the version that serves everyone while nothing is tried; none when the champion does
 * @param anchor the version that the hold-out stays on; none before the first promotion
 * @param shown what operators are shown of the candidate; it decides nothing
 * @param longRun the same of the champion beside the anchor
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
        Evidence evidence,
        @Nullable RolloutSettings settings,
        @Nullable Watch watch,
        @Nullable Loads loads,

        @JsonSetter(nulls = Nulls.AS_EMPTY) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        Map<String, Integer> attempts,

        @Nullable String pinned,
        @Nullable Anchor anchor,
        @Nullable Shown shown,
        @Nullable Shown longRun)
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
        attempts = Map.copyOf(attempts);
    }

    /** A bot that tries nothing: {@code champion} serves everyone. */
    public static RolloutState idle(String bot, String champion) {
        return new RolloutStateBuilder(bot, champion).build();
    }

    /** Every version that it names: none of them may be taken away. */
    public Set<String> versions() {
        Stream<@Nullable String> named =
                Stream.of(champion, candidate, previous, pinned, anchor == null ? null : anchor.version());
        return Stream.concat(named.flatMap(Stream::ofNullable), waiting.stream())
                .collect(Collectors.toUnmodifiableSet());
    }

    /** To make the next state of. */
    public RolloutStateBuilder change() {
        return new RolloutStateBuilder(this);
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
     * @param nonInferiority evidence, of down-votes and duels together, that it is not worse by the margin
     * @param superiority evidence of both that it is better
     * @param sampleRatio evidence that users do not split by the share
     * @param counted down-votes and preferences in duels counted
     * @param guardrails evidence against it by other kinds of events, and that other users vote; none in states of before
     */
    public record Evidence(
            double harm,
            double nonInferiority,
            double superiority,
            double sampleRatio,
            long counted,

            @JsonSetter(nulls = Nulls.AS_EMPTY) @JsonInclude(JsonInclude.Include.NON_EMPTY)
            Map<Guardrail, Double> guardrails) {
        public static final Evidence NONE = new Evidence(1, 1, 1, 1, 0, Map.of());

        public Evidence {
            guardrails = Map.copyOf(guardrails);
        }

        public double of(Guardrail guardrail) {
            return guardrails.getOrDefault(guardrail, 1.0);
        }
    }

    /** What is watched beside down-votes. */
    public enum Guardrail {
        @JsonProperty("flagged")
        FLAGGED,
        @JsonProperty("failed")
        FAILED,
        @JsonProperty("slow")
        SLOW,
        @JsonProperty("empty")
        EMPTY,
        @JsonProperty("overlong")
        OVERLONG,
        @JsonProperty("repeated")
        REPEATED,
        /** Relatively fewer users give a thumb up. */
        @JsonProperty("fewer_up_votes")
        FEWER_UP_VOTES,
        /** Relatively more, or fewer, users vote at all. */
        @JsonProperty("other_voters")
        OTHER_VOTERS,
        /** In duels between the arms, users prefer the champion's reply. */
        @JsonProperty("loses_duels")
        LOSES_DUELS
    }

    /**
     * What was seen of a step.
     *
     * @param heldMillis time of the step in which users came, by the brokers' clock
     * @param watermark until when, in milliseconds since 1970; 0 before anybody came
     * @param exposuresFrom exposures that the test of the split leaves out; those before it was resumed
     * @param votesFrom votes that the test of thumbs up leaves out, likewise
     */
    public record Watch(long heldMillis, long watermark, List<Exposures> exposuresFrom, List<Votes> votesFrom) {
        public static final Watch NONE = new Watch(0, 0, List.of(), List.of());

        public Watch {
            exposuresFrom = List.copyOf(exposuresFrom);
            votesFrom = List.copyOf(votesFrom);
        }

        /** What came before {@code time} counts no more: it was served otherwise. */
        public Watch from(long time) {
            return watermark == 0 ? this : new Watch(heldMillis, Math.max(watermark, time), exposuresFrom, votesFrom);
        }

        public Watch held(long millis) {
            return new Watch(millis, watermark, exposuresFrom, votesFrom);
        }
    }

    /**
     * What gateways say of the candidate.
     *
     * @param loaded gateways that serve it
     * @param unloadable gateways that cannot, with why
     * @param loading gateways that will say so
     * @param since when the first said something
     */
    public record Loads(
            List<String> loaded,
            Map<String, String> unloadable,

            @JsonSetter(nulls = Nulls.AS_EMPTY) @JsonInclude(JsonInclude.Include.NON_EMPTY)
            List<String> loading,

            long since) {
        public Loads {
            loaded = List.copyOf(loaded);
            unloadable = Map.copyOf(unloadable);
            loading = List.copyOf(loading);
        }
    }

    /**
     * The hold-out.
     *
     * @param version that it stays on
     * @param since when it began, the salt of who is in it
     * @param share of the users
     */
    public record Anchor(String version, long since, double share) {
        private static final String EXPERIMENT = "holdout-";

        /** Whether an experiment is the comparison with a hold-out. */
        public static boolean names(String experiment) {
            return experiment.startsWith(EXPERIMENT);
        }

        /** The name of the comparison with those who are not in it; {@link #shareOf} reads the share from it. */
        public String experiment() {
            // Without an exponent, whose sign would be taken for what stands between the parts.
            return EXPERIMENT + "%s-%d".formatted(BigDecimal.valueOf(share).toPlainString(), since);
        }

        /** The share of a hold-out by the name of its comparison. */
        public static double shareOf(String experiment) {
            return Double.parseDouble(experiment.split("-", 3)[1]);
        }
    }

    /**
     * Numbers for people.
     *
     * @param relativeDownRate what the counts do not rule out at 95 %, whenever one looks: lower and upper end
     * @param better probability that relatively more of its voters approve, by a uniform prior
     * @param expectedLoss approval that choosing it would cost in the mean
     * @param comparable whether the same users vote; if not, approval says nothing
     */
    public record Shown(
            List<Double> relativeDownRate,
            double better,
            double expectedLoss,
            @JsonProperty("comparable") boolean comparable) {
        public Shown {
            relativeDownRate = List.copyOf(relativeDownRate);
        }
    }
}
