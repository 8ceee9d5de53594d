package dev.bellwether.gateway.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a rollout under way still waits for, in words for its operator. */
final class Missing {
    private Missing() {}

    static List<String> of(RolloutState state, Optional<PolicyScorecard> scorecard) {
        String candidate = state.candidate();
        if (candidate == null || (state.phase() != Phase.CANARY && state.phase() != Phase.HELD)) {
            return List.of();
        }
        List<String> missing = new ArrayList<>();
        long champion = exposed(scorecard, Arm.CHAMPION);
        long tried = exposed(scorecard, Arm.CANDIDATE);
        if (champion + tried == 0) {
            missing.add(
                    "no named user was met: requests without `user` do not count, and visitors only from their second"
                            + " request on");
        } else if (tried == 0) {
            missing.add("no named user has met %s yet; %d have met the champion".formatted(candidate, champion));
        } else if (champion == 0) {
            missing.add("no named user has met the champion yet; %d have met %s".formatted(tried, candidate));
        }
        if (champion + tried > 0) {
            long onChampion = votes(scorecard, Arm.CHAMPION);
            long onCandidate = votes(scorecard, Arm.CANDIDATE);
            boolean compared = compared(scorecard);
            if (!compared && onChampion + onCandidate == 0) {
                missing.add("no thumb of a named user has come");
            } else if (!compared && onCandidate == 0) {
                missing.add("no thumb on %s has come; %d on the champion".formatted(candidate, onChampion));
            } else if (!compared && onChampion == 0) {
                missing.add("no thumb on the champion has come; %d on %s".formatted(onCandidate, candidate));
            } else if (state.phase() == Phase.CANARY) {
                missing.add(counted(state));
            }
        }
        step(missing, state, scorecard);
        if (state.phase() == Phase.HELD && state.candidateShare() > 0) {
            missing.add("%.0f %% of the named users meet %s meanwhile; resume, promote or abort"
                    .formatted(100 * state.candidateShare(), candidate));
        }
        return missing;
    }

    private static String counted(RolloutState state) {
        RolloutSettings settings = state.settings();
        boolean together = settings != null && state.evidence().nonInferiority() >= 1 / settings.alpha();
        return "first down-votes and choices between the arms counted so far: %d; %s"
                .formatted(
                        state.evidence().counted(),
                        together
                                ? "together they speak for the candidate, but time, users, or one of the two do not"
                                : "they do not decide yet");
    }

    /** Of what a step needs before the next. */
    private static void step(List<String> missing, RolloutState state, Optional<PolicyScorecard> scorecard) {
        RolloutSettings settings = state.settings();
        RolloutState.Watch watch = state.watch();
        if (settings == null || watch == null || state.phase() != Phase.CANARY) {
            return;
        }
        Duration hold = settings.steps().get(state.step()).hold();
        if (watch.heldMillis() < hold.toMillis()) {
            missing.add("%s of the step's %s have passed with users"
                    .formatted(Duration.ofSeconds(watch.heldMillis() / 1_000), hold));
        }
        for (Arm arm : Arm.values()) {
            long met = scorecard.stream()
                    .flatMap(card -> card.met().stream())
                    .filter(each -> each.arm() == arm && each.candidateShare() == state.candidateShare())
                    .mapToLong(PolicyScorecard.Exposures::users)
                    .sum();
            if (met < settings.exposuresMin()) {
                missing.add("%d of %d named users have met the %s in this step"
                        .formatted(met, settings.exposuresMin(), arm == Arm.CANDIDATE ? "candidate" : "champion"));
            }
        }
    }

    private static long exposed(Optional<PolicyScorecard> scorecard, Arm arm) {
        return scorecard.stream()
                .flatMap(card -> card.exposures().stream())
                .filter(each -> each.arm() == arm)
                .mapToLong(PolicyScorecard.Exposures::users)
                .sum();
    }

    private static long votes(Optional<PolicyScorecard> scorecard, Arm arm) {
        return scorecard.stream()
                .flatMap(card -> card.votes().stream())
                .filter(each -> each.arm() == arm)
                .mapToLong(each -> each.up() + each.down())
                .sum();
    }

    /** Whether users chose between replies of both arms. */
    private static boolean compared(Optional<PolicyScorecard> scorecard) {
        return scorecard.stream()
                .flatMap(card -> card.events().stream())
                .anyMatch(each -> each.kind() == PolicyScorecard.Kind.PREFERRED);
    }
}
