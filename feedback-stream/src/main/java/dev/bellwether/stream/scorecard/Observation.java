package dev.bellwether.stream.scorecard;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.event.Source;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What happened to a user in an experiment at one interaction.
 *
 * @param up whether the user's thumb was up; {@code down} likewise
 * @param kinds what happened; {@link Kind#VOTED} without a thumb of either sort says that the user's votes do not count
 * @param preferred the arm whose reply the user preferred in a duel between the arms; none otherwise
 */
record Observation(
        String bot,
        String experiment,
        String user,
        double share,
        Arm arm,
        boolean up,
        boolean down,
        Set<Kind> kinds,
        @Nullable Arm preferred) {

    /** Of the candidate, at which an arm is as often a user's own as the other one. */
    private static final double EVEN = .5;

    /** Of a reply; all that were assigned by the draw count, also those whom the version failed. */
    static List<Observation> of(Interaction interaction, Duration slowAfter) {
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        if (interaction.acrossArms()) {
            // Who has seen both arms judges neither by itself; and one of the two replies is the other arm's.
            kinds.add(Kind.VOTED);
        }
        if (interaction.fallback()) {
            kinds.add(Kind.FAILED);
        } else if (interaction.complete() && !interaction.acrossArms()) {
            // What a fallback said is neither the merit nor the fault of the version that failed.
            if (!interaction.rivalFailed() && interaction.latencyMillis() > slowAfter.toMillis()) {
                kinds.add(Kind.SLOW);
            }
            interaction.replies().forEach(reply -> add(kinds, reply));
        }
        return of(interaction, false, false, kinds, null);
    }

    private static void add(Set<Kind> kinds, Reply reply) {
        if (reply.text().isBlank() && reply.toolCalls() == null) {
            kinds.add(Kind.EMPTY);
        }
        if (reply.finishReason().equals("length")) {
            kinds.add(Kind.OVERLONG);
        }
        if (Repetition.in(reply.text())) {
            kinds.add(Kind.REPEATED);
        }
    }

    /** Of end users' thumbs and flags on what the assigned version said, or of what they preferred of both arms'. */
    static List<Observation> of(RatedInteraction rated) {
        if (rated.interaction().fallback()) {
            return List.of();
        }
        if (rated.interaction().acrossArms()) {
            return duel(rated);
        }
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        boolean up = false;
        boolean down = false;
        for (Feedback judgement : rated.judgements()) {
            boolean counts = judgement.source() == Source.END_USER;
            if (counts
                    && judgement.signal() instanceof Thumb thumb
                    && !rated.interaction().duel()) {
                kinds.add(Kind.VOTED);
                up |= thumb.up();
                down |= !thumb.up();
            } else if (counts && judgement.signal() instanceof Flag) {
                kinds.add(Kind.FLAGGED);
            }
        }
        return kinds.isEmpty() ? List.of() : of(rated.interaction(), up, down, kinds, null);
    }

    /**
     * Of a duel at a share of one half: at another, more of the conversations would be one arm's, and people may like what goes
     * with what they read before.
     */
    private static List<Observation> duel(RatedInteraction rated) {
        if (rated.interaction().candidateShare() != EVEN || !ofBothArms(rated.interaction())) {
            return List.of();
        }
        for (Feedback judgement : rated.judgements()) {
            if (judgement.source() == Source.END_USER && judgement.signal() instanceof Preference preference) {
                Outcome outcome = preference.outcome();
                if (outcome == Outcome.FIRST || outcome == Outcome.SECOND) {
                    Arm preferred = arm(rated.interaction(), outcome == Outcome.FIRST ? 0 : 1);
                    return of(rated.interaction(), false, false, Set.of(Kind.PREFERRED), preferred);
                }
            }
        }
        return List.of();
    }

    /** Whether one reply is the candidate's and the other the champion's, not a fallback's. */
    private static boolean ofBothArms(Interaction duel) {
        return !duel.rivalFailed() && duel.replies().size() == 2 && arm(duel, 0) != arm(duel, 1);
    }

    /** Whose a duel's reply is. */
    private static Arm arm(Interaction duel, int reply) {
        String experiment = duel.experiment();
        String version = duel.replies().get(reply).version();
        return experiment != null && ExperimentName.tries(experiment, version) ? Arm.CANDIDATE : Arm.CHAMPION;
    }

    /**
     * Both arms of a rollout are on one side of the comparison with the hold-out, so votes go on counting there, and what is
     * preferred of the two says nothing.
     */
    private static Set<Kind> besides(Set<Kind> kinds, boolean thumb) {
        Set<Kind> besides = EnumSet.noneOf(Kind.class);
        besides.addAll(kinds);
        besides.remove(Kind.PREFERRED);
        if (!thumb) {
            besides.remove(Kind.VOTED);
        }
        return besides;
    }

    /** Whether the user's votes are left out of the experiment from here on. */
    boolean leavesVotesOut() {
        return kinds.contains(Kind.VOTED) && !up && !down;
    }

    /** In the rollout, and in the comparison with the hold-out, whose candidate is what all others get. */
    private static List<Observation> of(
            Interaction each, boolean up, boolean down, Set<Kind> kinds, @Nullable Arm preferred) {
        String user = each.userHash();
        if (user == null) {
            return List.of();
        }
        List<Observation> all = new ArrayList<>();
        String experiment = each.experiment();
        if (experiment != null
                && each.reason() == AssignmentReason.SPLIT
                && ExperimentName.possible(experiment, InteractionId.time(each.interactionId()))) {
            all.add(new Observation(
                    each.bot(), experiment, user, each.candidateShare(), each.arm(), up, down, kinds, preferred));
        }
        String holdout = each.holdout();
        if (holdout != null && ExperimentName.possible(holdout, InteractionId.time(each.interactionId()))) {
            Arm arm = each.reason() == AssignmentReason.HOLDOUT ? Arm.CHAMPION : Arm.CANDIDATE;
            double share = 1 - Anchor.shareOf(holdout);
            all.add(new Observation(each.bot(), holdout, user, share, arm, up, down, besides(kinds, up || down), null));
        }
        return all;
    }
}
