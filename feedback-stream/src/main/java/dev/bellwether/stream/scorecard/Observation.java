package dev.bellwether.stream.scorecard;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What happened to a user in an experiment at one interaction.
 *
 * @param up whether the user's thumb was up; {@code down} likewise
 */
record Observation(
        String bot, String experiment, String user, double share, Arm arm, boolean up, boolean down, Set<Kind> kinds) {

    /** A reply that was assigned by the draw; all that asked count, also those whom the version failed. */
    static Optional<Observation> of(Interaction interaction, Duration slowAfter) {
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        if (failed(interaction)) {
            kinds.add(Kind.FAILED);
        } else if (interaction.complete()) {
            // What a fallback said is neither the merit nor the fault of the version that failed.
            if (interaction.latencyMillis() > slowAfter.toMillis()) {
                kinds.add(Kind.SLOW);
            }
            for (Reply reply : interaction.replies()) {
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
        }
        return of(interaction, false, false, kinds);
    }

    private static boolean failed(Interaction interaction) {
        return interaction.fallback();
    }

    /** End users' thumbs and flags on what the assigned version said. */
    static Optional<Observation> of(RatedInteraction rated) {
        if (failed(rated.interaction())) {
            return Optional.empty();
        }
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        boolean up = false;
        boolean down = false;
        for (Feedback judgement : judgements(rated)) {
            if (judgement.signal() instanceof Thumb thumb
                    && !rated.interaction().duel()) {
                kinds.add(Kind.VOTED);
                up |= thumb.up();
                down |= !thumb.up();
            } else if (judgement.signal() instanceof Flag) {
                kinds.add(Kind.FLAGGED);
            }
        }
        return kinds.isEmpty() ? Optional.empty() : of(rated.interaction(), up, down, kinds);
    }

    private static List<Feedback> judgements(RatedInteraction rated) {
        return rated.judgements().stream()
                .filter(judgement -> judgement.source() == Source.END_USER)
                .toList();
    }

    private static Optional<Observation> of(Interaction interaction, boolean up, boolean down, Set<Kind> kinds) {
        String experiment = interaction.experiment();
        String user = interaction.userHash();
        if (experiment == null || user == null || interaction.reason() != AssignmentReason.SPLIT) {
            return Optional.empty();
        }
        return Optional.of(new Observation(
                interaction.bot(), experiment, user, interaction.candidateShare(), interaction.arm(), up, down, kinds));
    }
}
