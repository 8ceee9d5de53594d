package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutSettings.Approval;
import dev.bellwether.event.RolloutSettings.Step;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.stream.rollout.RolloutMachine.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import org.jspecify.annotations.Nullable;

/**
 * The machine under whatever comes: commands, also twice and late, users and votes, crashes in which nothing but the
 * stored state survives, and hours in which nothing moves but the clock.
 */
class RolloutSequencesTest {
    private static final RolloutSettings SETTINGS = new RolloutSettings(
            List.of(
                    new Step(.1, Duration.ofSeconds(90)),
                    new Step(.25, Duration.ofSeconds(60)),
                    new Step(.5, Duration.ZERO)),
            Approval.AUTOMATIC,
            .05,
            1.25,
            30,
            20,
            Duration.ofHours(6),
            Duration.ofSeconds(3),
            .02);
    private static final List<Action> ACTIONS = List.of(Action.values());

    /** One bot's life, with what must hold of each move. */
    private static final class Life {
        private final Random random;
        private final List<RolloutCommand> given = new ArrayList<>();
        private final Set<String> out = new HashSet<>();
        private final Set<Long> revisions = new HashSet<>();
        private RolloutState state = RolloutState.idle("support", "v0");
        private Cards cards = new Cards();
        private @Nullable String experiment;
        private long now = 1_000_000;
        private long eventTime = 1_000_000;

        private Life(Random random) {
            this.random = random;
        }

        void live() {
            for (int i = 0; i < 40; i++) {
                now += random.nextInt(5_000);
                switch (random.nextInt(10)) {
                    case 0, 1 -> give(command());
                    case 2 -> again();
                    case 3 -> crash();
                    case 4 -> now += Duration.ofHours(random.nextInt(3)).toMillis();
                    default -> users();
                }
                take(RolloutMachine.tick(state, card(), SETTINGS, now), null);
            }
        }

        private @Nullable PolicyScorecard card() {
            return state.experiment() == null ? null : cards.of(state);
        }

        private RolloutCommand command() {
            Action action = ACTIONS.get(random.nextInt(ACTIONS.size()));
            boolean named = action == Action.REGISTER || action == Action.START || random.nextInt(4) == 0;
            RolloutCommand command = new RolloutCommand(
                    Event.SCHEMA,
                    "c" + given.size(),
                    "support",
                    action,
                    named ? "v" + random.nextInt(6) : null,
                    random.nextInt(3) == 0 ? state.revision() - random.nextInt(2) : null,
                    "who" + random.nextInt(3),
                    "why",
                    now);
            given.add(command);
            return command;
        }

        private void again() {
            if (!given.isEmpty()) {
                // What came lately: the state remembers the last fifty.
                RolloutCommand old = given.get(given.size() - 1 - random.nextInt(Math.min(20, given.size())));
                Outcome outcome = RolloutCommands.apply(state, old, card(), SETTINGS, now);
                if (state.decided().contains(old.commandId())) {
                    assertThat(outcome.state()).as("%s again", old).isEqualTo(state);
                }
                take(outcome, old);
            }
        }

        private void give(RolloutCommand command) {
            boolean running = state.candidate() != null;
            boolean fits = command.version() == null || command.version().equals(state.candidate());
            take(RolloutCommands.apply(state, command, card(), SETTINGS, now), command);
            if (command.action() == Action.ABORT && running && fits) {
                assertThat(state.phase()).isEqualTo(Phase.ABORTED);
                assertThat(state.candidate()).isNull();
            }
        }

        /** Only what was stored comes back. */
        private void crash() {
            try {
                state = EventJson.mapper().readValue(EventJson.mapper().writeValueAsBytes(state), RolloutState.class);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void users() {
            eventTime = Math.max(eventTime, now);
            state = RolloutMachine.seen(state, eventTime);
            double share = state.candidateShare();
            for (int i = 0; i < 60 && share > 0; i++) {
                Arm arm = random.nextDouble() < share ? Arm.CANDIDATE : Arm.CHAMPION;
                boolean bad = arm == Arm.CANDIDATE
                        && String.valueOf(state.candidate()).equals("v5");
                cards.met(share, arm, 1);
                if (random.nextDouble() < (bad ? .6 : arm == Arm.CANDIDATE ? .1 : .3)) {
                    cards.down(share, arm, 1);
                }
                if (bad && random.nextInt(3) == 0) {
                    cards.happened(share, arm, Kind.FAILED, 1);
                }
            }
        }

        private void take(Outcome outcome, @Nullable RolloutCommand command) {
            RolloutState before = state;
            state = outcome.state();
            boolean running = state.candidate() != null;
            assertThat(running).isEqualTo(state.candidateShare() > 0).isEqualTo(state.experiment() != null);
            assertThat(state.waiting()).hasSizeLessThanOrEqualTo(1);
            outcome.transition().ifPresent(transition -> {
                assertThat(revisions.add(transition.revision()))
                        .as("one transition a revision")
                        .isTrue();
                moved(before, transition, command);
            });
            if (state.experiment() != null && !state.experiment().equals(experiment)) {
                assertThat(out).as("an experiment that was over").doesNotContain(state.experiment());
                experiment = state.experiment();
                cards = new Cards();
            }
            if (!running && experiment != null) {
                out.add(experiment);
            }
        }

        private void moved(RolloutState before, RolloutTransition transition, @Nullable RolloutCommand command) {
            boolean byItself = command == null;
            if (byItself && transition.to() != before.phase()) {
                SEEN.merge(transition.to() + " by " + transition.who(), 1, Integer::sum);
            }
            if (state.step() > before.step()) {
                SEEN.merge("a step", 1, Integer::sum);
            }
            if (before.frozen() && byItself) {
                throw new AssertionError("it moved while frozen: " + transition);
            }
            if (state.step() > before.step() && before.candidate() != null) {
                assertThat(state.step()).as("no step is skipped").isEqualTo(before.step() + 1);
                assertThat(byItself).isTrue();
                assertThat(Optional.ofNullable(before.watch()).orElseThrow().heldMillis())
                        .isGreaterThanOrEqualTo(
                                SETTINGS.steps().get(before.step()).hold().toMillis());
                enough(before);
            }
            if (transition.to() == Phase.PROMOTED && byItself && before.candidate() != null) {
                assertThat(before.step()).isEqualTo(SETTINGS.steps().size() - 1);
                assertThat(transition.eValue()).isGreaterThanOrEqualTo(20);
                enough(before);
            }
            if (transition.to() == Phase.PROMOTED && command != null && before.phase() != Phase.PROMOTED) {
                assertThat(command.action()).isIn(Action.PROMOTE, Action.APPROVE);
            }
            if (before.phase() == Phase.ABORTED && before.candidate() == null && state.candidate() != null) {
                assertThat(Optional.ofNullable(command).map(RolloutCommand::action))
                        .as("after an abort only an operator starts")
                        .contains(Action.START);
            }
        }

        private void enough(RolloutState before) {
            PolicyScorecard card = cards.of(before);
            for (Arm arm : Arm.values()) {
                assertThat(RolloutMachine.met(card, before.candidateShare(), arm))
                        .isGreaterThanOrEqualTo(20);
            }
        }
    }

    private static final Map<String, Integer> SEEN = new TreeMap<>();

    @AfterContainer
    static void sawWhatItIsAbout() {
        assertThat(SEEN)
                .containsKeys("a step", "PROMOTED by statistics", "ROLLED_BACK by statistics", "HELD by statistics");
        assertThat(SEEN)
                .allSatisfy((what, times) -> assertThat(times).as("%s", SEEN).isGreaterThan(2));
    }

    @Property(tries = 10_000)
    void keepsItsPromisesWhateverComes(@ForAll long seed) {
        new Life(new Random(seed)).live();
    }
}
