package dev.bellwether.stream.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.event.RolloutSettings.Approval;
import dev.bellwether.event.RolloutSettings.Step;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How often the machine ends a rollout of a version that is no worse, and how soon that of one that is. */
class FalseAlarmsTest {
    private static final int ROLLOUTS = Integer.getInteger("rollouts", 2_000);
    private static final int USERS = 3_000;
    private static final int LOOK_EVERY = 300;
    private static final long COUNTED_NEVER = Long.MAX_VALUE;

    /** In what the arms do not differ, or not in a way that harms. */
    enum Null {
        FIXED_SHARE(0, 1, 1),
        /** The share grows while the base rate of down-votes goes from 5 to 30 %. */
        RAMPING_SHARE_AND_DRIFTING_RATE(.25, 1, 1),
        /** Each user votes up to six times; who votes down once is likely to do so again. */
        SEVERAL_VOTES(0, 6, 1),
        /** The candidate's users vote up half as often again. */
        OTHER_VOTERS(0, 1, 1.5);

        private final double drift;
        private final int votes;
        private final double upVoters;

        Null(double drift, int votes, double upVoters) {
            this.drift = drift;
            this.votes = votes;
            this.upVoters = upVoters;
        }

        /** A share that grows takes its time. */
        int users() {
            return drift > 0 ? USERS : USERS / 2;
        }

        RolloutSettings settings() {
            List<Step> steps = drift > 0 ? List.of(step(.01), step(.05), step(.25), step(.5)) : List.of(step(.5));
            return new RolloutSettings(
                    steps,
                    Approval.REQUIRED,
                    .05,
                    1.25,
                    COUNTED_NEVER,
                    6,
                    Duration.ofDays(14),
                    Duration.ofSeconds(3),
                    0);
        }

        private static Step step(double share) {
            return new Step(share, Duration.ZERO);
        }

        /** What happens to the user number {@code user}. */
        void meet(Cards cards, double share, int user, Random random) {
            Arm arm = random.nextDouble() < share ? Arm.CANDIDATE : Arm.CHAMPION;
            cards.met(share, arm, 1);
            double inclined = random.nextDouble();
            double downRate = .05 + drift * user / USERS;
            boolean down = false;
            boolean up = false;
            for (int vote = 0; vote < votes; vote++) {
                down |= random.nextDouble() < downRate * (votes == 1 ? 1 : 2 * inclined);
                up |= random.nextDouble() < .1 * (arm == Arm.CANDIDATE ? upVoters : 1);
            }
            cards.down(share, arm, down ? 1 : 0).up(share, arm, up ? 1 : 0);
            if (down || up || random.nextDouble() > .3) {
                cards.happened(share, arm, Kind.VOTED, down || up ? 1 : 0);
            } else {
                // Of those who have not voted three in ten choose between the arms.
                Arm preferred = random.nextBoolean() ? Arm.CANDIDATE : Arm.CHAMPION;
                cards.happened(share, preferred, Kind.PREFERRED, 1);
            }
            cards.happened(share, arm, Kind.FAILED, random.nextInt(50) == 0 ? 1 : 0);
            cards.happened(share, arm, Kind.SLOW, random.nextInt(20) == 0 ? 1 : 0);
            cards.happened(share, arm, Kind.OVERLONG, random.nextInt(20) == 0 ? 1 : 0);
            cards.happened(share, arm, Kind.FLAGGED, random.nextInt(200) == 0 ? 1 : 0);
        }
    }

    private static RolloutState started(RolloutSettings settings) {
        RolloutCommand register =
                new RolloutCommand(Event.SCHEMA, "c", "support", Action.REGISTER, "v2", null, "trainer", "", 0);
        return RolloutCommands.apply(RolloutState.idle("support", "v1"), register, null, settings, 0)
                .state();
    }

    /** Whether it was ended, or held for its votes. */
    private static boolean alarms(Null scenario, Random random) {
        RolloutSettings settings = scenario.settings();
        RolloutState state = started(settings);
        Cards cards = new Cards();
        for (int user = 1; user <= scenario.users(); user++) {
            scenario.meet(cards, state.candidateShare(), user, random);
            if (user % LOOK_EVERY == 0) {
                state = RolloutMachine.tick(RolloutMachine.seen(state, user), cards.of(state), settings, user)
                        .state();
                if (state.phase() == Phase.ROLLED_BACK || state.phase() == Phase.HELD) {
                    return true;
                }
            }
        }
        assertThat(state.candidateShare()).as("the last step was reached").isEqualTo(.5);
        return false;
    }

    @ParameterizedTest
    @EnumSource(Null.class)
    void endsAtMostFivePercentOfRolloutsThatDoNoHarm(Null scenario) {
        long alarms = IntStream.range(0, ROLLOUTS)
                .parallel()
                .filter(rollout -> alarms(scenario, new Random(rollout)))
                .count();
        System.out.printf("false alarms, %s: %.2f %%%n", scenario, 100.0 * alarms / ROLLOUTS);
        assertThat(alarms / (double) ROLLOUTS).isLessThanOrEqualTo(.05);
    }

    /** How users judge whom the rollouts of a version meet that is worse by the margin. */
    enum Judging {
        THUMBS,
        DUELS,
        /** Every second user has duels. */
        BOTH,
        /** The same, but in duels it is as good. */
        DUELS_ALIKE;

        /** A quarter more down-votes, or four choices of nine: what "not worse" excludes. */
        void meet(Cards cards, int user, Random random) {
            Arm arm = random.nextBoolean() ? Arm.CANDIDATE : Arm.CHAMPION;
            cards.met(.5, arm, 1);
            if (this == DUELS || (this != THUMBS && user % 2 == 0)) {
                double odds = this == DUELS_ALIKE ? .5 : 4.0 / 9;
                Arm preferred = random.nextDouble() < odds ? Arm.CANDIDATE : Arm.CHAMPION;
                cards.happened(.5, preferred, Kind.PREFERRED, random.nextInt(4) == 0 ? 1 : 0);
            } else {
                cards.down(.5, arm, random.nextDouble() < (arm == Arm.CANDIDATE ? .125 : .1) ? 1 : 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = Judging.class, mode = EnumSource.Mode.EXCLUDE, names = "DUELS_ALIKE")
    void promotesAtMostFivePercentOfVersionsThatAreWorseByTheMargin(Judging judging) {
        assertThat(promoted(judging)).isLessThanOrEqualTo(.05);
    }

    /** The bound is not for these; they are not promoted as equal ones are, which nearly all would be. */
    @Test
    void promotesFewVersionsThatAreWorseByTheMarginInDownVotesAlone() {
        assertThat(promoted(Judging.DUELS_ALIKE)).isBetween(.05, .4);
    }

    /** The share that is promoted of versions that are judged so. */
    private static double promoted(Judging judging) {
        RolloutSettings settings = new RolloutSettings(
                List.of(new Step(.5, Duration.ZERO)),
                Approval.AUTOMATIC,
                .05,
                1.25,
                30,
                6,
                Duration.ofDays(14),
                Duration.ofSeconds(3),
                0);
        long promoted = IntStream.range(0, ROLLOUTS)
                .parallel()
                .filter(rollout -> {
                    Random random = new Random(rollout);
                    RolloutState state = started(settings);
                    Cards cards = new Cards();
                    for (int user = 1; user <= USERS && state.phase() == Phase.CANARY; user++) {
                        judging.meet(cards, user, random);
                        if (user % 100 == 0) {
                            state = RolloutMachine.tick(
                                            RolloutMachine.seen(state, user), cards.of(state), settings, user)
                                    .state();
                        }
                    }
                    return state.phase() == Phase.PROMOTED;
                })
                .count();
        System.out.printf("promoted though worse by the margin, %s: %.2f %%%n", judging, 100.0 * promoted / ROLLOUTS);
        return promoted / (double) ROLLOUTS;
    }

    /** Counted down-votes until harm is seen, in half of the rollouts. */
    private static int eventsNeeded(double rate, double share) {
        double theta = SequentialTest.theta(Math.log(rate), share);
        int[] needed = IntStream.range(0, 200)
                .parallel()
                .map(rollout -> {
                    Random random = new Random(rollout);
                    long candidate = 0;
                    for (int event = 1; event <= 2_000; event++) {
                        candidate += random.nextDouble() < theta ? 1 : 0;
                        List<SequentialTest.Count> counts =
                                List.of(new SequentialTest.Count(share, candidate, event - candidate));
                        if (event % 2 == 0
                                && SequentialTest.eValue(counts, 0, SequentialTest.Side.GREATER)
                                        >= Evidences.harmAlarm(.05)) {
                            return event;
                        }
                    }
                    return Integer.MAX_VALUE;
                })
                .sorted()
                .toArray();
        return needed[needed.length / 2];
    }

    /** Choices in duels until a version that users prefer as often as the champion's, or more, is not worse. */
    private static int duelsNeeded(double preferred) {
        int[] needed = IntStream.range(0, 200)
                .parallel()
                .map(rollout -> {
                    Random random = new Random(rollout);
                    long candidate = 0;
                    for (int event = 1; event <= 4_000; event++) {
                        candidate += random.nextDouble() < preferred ? 1 : 0;
                        List<SequentialTest.Count> counts =
                                List.of(new SequentialTest.Count(.5, candidate, event - candidate));
                        if (event % 2 == 0
                                && SequentialTest.eValue(counts, -Math.log(1.25), SequentialTest.Side.GREATER)
                                        >= Evidences.promotionAlarm(.05, 1)) {
                            return event;
                        }
                    }
                    return Integer.MAX_VALUE;
                })
                .sorted()
                .toArray();
        return needed[needed.length / 2];
    }

    @Test
    void needsFewerDuelsTheMoreAVersionIsPreferred() {
        double[] needed = Arrays.stream(new double[] {.5, .55, .6})
                .map(FalseAlarmsTest::duelsNeeded)
                .toArray();
        System.out.printf("duels until not worse, preferred in .5, .55, .6: %s%n", Arrays.toString(needed));
        assertThat(needed[0]).isBetween(300.0, 1_200.0);
        assertThat(needed[1]).isBetween(80.0, 400.0);
        assertThat(needed[2]).isBetween(40.0, 200.0);
    }

    @Test
    void needsFewerEventsForGreaterHarm() {
        double[] half = Arrays.stream(new double[] {1.5, 2, 3})
                .map(rate -> eventsNeeded(rate, .5))
                .toArray();
        double[] twentieth = Arrays.stream(new double[] {1.5, 2, 3})
                .map(rate -> eventsNeeded(rate, .05))
                .toArray();
        System.out.printf(
                "events until harm is seen, rates 1.5, 2, 3: %s at 50 %%, %s at 5 %%%n",
                Arrays.toString(half), Arrays.toString(twentieth));
        assertThat(half[0]).isBetween(80.0, 350.0);
        assertThat(half[1]).isBetween(25.0, 120.0);
        assertThat(half[2]).isBetween(10.0, 60.0);
        assertThat(twentieth[1]).isGreaterThan(half[1]);
    }
}
