package dev.bellwether.stream;

import static dev.bellwether.stream.Records.feedback;
import static dev.bellwether.stream.Records.id;
import static dev.bellwether.stream.Records.interaction;
import static dev.bellwether.stream.Records.thumb;
import static dev.bellwether.stream.Records.withdrawal;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Arm;
import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Events;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.kafka.streams.TestInputTopic;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackTopologyTest {
    @TempDir
    private Path directory = Path.of("");

    private StreamDriver stream;

    @BeforeEach
    void start() {
        stream = new StreamDriver(directory.resolve("first"));
    }

    @AfterEach
    void stop() {
        stream.close();
    }

    private static <E> E only(Map<String, E> records, String key) {
        assertThat(records).containsKey(key);
        return Optional.ofNullable(records.get(key)).orElseThrow();
    }

    @Test
    void joinsAVoteThatComesBeforeItsInteraction() {
        stream.send(feedback("f", "a", 1, thumb(true)));
        assertThat(stream.latest(Topics.RATED_INTERACTIONS)).isEmpty();
        stream.send(interaction("a", "Where is my card?", "Here."));
        RatedInteraction rated = only(stream.latest(Topics.RATED_INTERACTIONS), id("a"));
        assertThat(rated.judgements()).extracting(Feedback::feedbackId).containsExactly("f");
    }

    @Test
    void keepsTheLastJudgementOfAKindAndCountsADuplicateOnce() {
        stream.send(interaction("a", "Where is my card?", "Here."));
        stream.send(feedback("f2", "a", 2, thumb(false)));
        stream.send(feedback("f1", "a", 1, thumb(true)));
        stream.send(feedback("f1", "a", 1, thumb(true)));
        RatedInteraction rated = only(stream.latest(Topics.RATED_INTERACTIONS), id("a"));
        assertThat(rated.judgements()).extracting(Feedback::feedbackId).containsExactly("f2");
    }

    @Test
    void putsWhatItCannotReadAside() {
        stream.send(Topics.FEEDBACK, "a", "{\"schema\": 99}".getBytes(StandardCharsets.UTF_8));
        List<DeadLetter> letters = letters();
        assertThat(letters).hasSize(1);
        assertThat(letters.getFirst().topic()).isEqualTo("feedback");
        assertThat(letters.getFirst().reason()).contains("schema 99");
    }

    /** Under the right key, so that nothing but the missing field is wrong with it. */
    @Test
    void putsAsideWhatLacksAFieldThatItNeeds() throws IOException {
        Interaction interaction = interaction("a", "mia", "v2-1", Arm.CANDIDATE, .25, "Where is my card?", "Here.");
        assertThat(needless(Topics.INTERACTIONS, interaction.interactionId(), interaction))
                .isSubsetOf("user_hash", "experiment", "holdout", "answer");
        Feedback feedback = feedback("f", "a", 1, thumb(true));
        assertThat(needless(Topics.FEEDBACK, feedback.interactionId(), feedback))
                .isSubsetOf("user_hash", "signal", "withdraws");
        Erasure erasure = new Erasure(Event.SCHEMA, "hash", "shop", 1);
        assertThat(needless(Topics.ERASURES, "hash", erasure)).isEmpty();
        RolloutCommand command = new RolloutCommand(
                Event.SCHEMA, "c", "support", RolloutCommand.Action.REGISTER, "v2", null, "mia", "new", 1);
        assertThat(needless(Topics.ROLLOUT_COMMANDS, "support", command)).isSubsetOf("version", "revision");
    }

    /** The fields without which the event is taken all the same. */
    private List<String> needless(Topic<?> topic, String key, Event event) throws IOException {
        ObjectNode whole = EventJson.mapper().valueToTree(event);
        List<String> needless = new ArrayList<>();
        for (String field : whole.propertyStream().map(Map.Entry::getKey).toList()) {
            stream.send(
                    topic,
                    key,
                    EventJson.mapper().writeValueAsBytes(whole.deepCopy().without(field)));
            if (letters().isEmpty()) {
                needless.add(field);
            }
        }
        return needless;
    }

    private List<DeadLetter> letters() {
        return stream.read(Topics.DEAD_LETTERS).stream()
                .flatMap(entry -> Stream.ofNullable(entry.value))
                .toList();
    }

    @Test
    void putsAsideFeedbackWhoseInteractionNeverCame() {
        TestInputTopic<String, Feedback> topic = stream.input(Topics.FEEDBACK);
        topic.pipeInput(id("lost"), feedback("f", "lost", 1, thumb(true)), 0);
        topic.pipeInput(
                id("late"),
                feedback("g", "late", 2, thumb(true)),
                Duration.ofDays(6).toMillis());
        assertThat(letters()).isEmpty();
        topic.pipeInput(
                id("late"),
                feedback("h", "late", 3, thumb(true)),
                Duration.ofDays(8).toMillis());
        assertThat(letters()).extracting(DeadLetter::reason).containsExactly("its interaction never came");
    }

    @Test
    void putsAsideWhatALaterJudgementReplacedWhenThereIsTooMuchForOneReply() {
        stream.send(interaction("a", "Where is my card?", "Here."));
        stream.send(feedback("flag", "a", -1, new Flag("harmful", null)));
        for (int i = 0; i < 70; i++) {
            stream.send(feedback("f" + i, "a", i, thumb(i % 2 == 0)));
        }
        assertThat(letters())
                .hasSize(7)
                .extracting(DeadLetter::reason)
                .containsOnly("too many judgements of one reply");
        stream.send(withdrawal("w", "a", 70, "f69"));
        assertThat(only(stream.latest(Topics.RATED_INTERACTIONS), id("a")).judgements())
                .extracting(Feedback::feedbackId)
                .containsExactly("flag", "f68");
    }

    @Test
    void countsAUsersFirstThumbOfEachKindInAnExperimentAndNoOther() {
        stream.send(interaction("a", "mia", "v2-1", Arm.CANDIDATE, .25, "Where is my card?", "Here."));
        stream.send(interaction("b", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my pin?", "Here."));
        stream.send(feedback("f", "a", 1, thumb(false)));
        stream.send(feedback("g", "b", 2, thumb(true)));
        stream.send(feedback("h", "a", 3, thumb(true)));
        assertThat(stream.latest(Topics.POLICY_SCORECARDS)).isEmpty();
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.25, Arm.CANDIDATE, 1));
        assertThat(card.votes())
                .containsExactlyInAnyOrder(
                        new PolicyScorecard.Votes(.25, Arm.CANDIDATE, 0, 1),
                        new PolicyScorecard.Votes(.5, Arm.CANDIDATE, 1, 0));
        assertThat(card.events()).containsExactly(new Events(.25, Arm.CANDIDATE, Kind.VOTED, 1));
    }

    @Test
    void creditsNoVersionWithWhatAFallbackSaid() {
        Interaction met = interaction("a", "mia", "v2-1", Arm.CANDIDATE, .25, "Where is my card?", "Here.");
        stream.send(Records.afterFailure(met, "v2"));
        stream.send(feedback("f", "a", 1, thumb(false)));
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).hasSize(1);
        assertThat(card.votes()).isEmpty();
        assertThat(card.events()).containsExactly(new Events(.25, Arm.CANDIDATE, Kind.FAILED, 1));
        assertThat(only(stream.latest(Topics.RATED_INTERACTIONS), id("a")).judgements())
                .hasSize(1);
    }

    @Test
    void leavesTheVotesOfAUserWhoSawBothArmsOutFromThenOn() {
        stream.send(interaction("a", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my card?", "Here."));
        stream.send(feedback("f", "a", 1, thumb(true)));
        Interaction duel = interaction("b", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my PIN?", "There.", "");
        stream.send(Records.withVersions(duel, "v2", "default"));
        stream.send(interaction("c", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my money?", "Gone."));
        stream.send(feedback("g", "c", 2, thumb(false)));
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.5, Arm.CANDIDATE, 1));
        assertThat(card.votes())
                .as("the vote before stays")
                .containsExactly(new PolicyScorecard.Votes(.5, Arm.CANDIDATE, 1, 0));
        assertThat(card.events())
                .as("the empty reply is the other arm's")
                .containsExactly(new Events(.5, Arm.CANDIDATE, Kind.VOTED, 1));
    }

    @Test
    void countsNoVoteOfAUserWhoSawBothArmsFirst() {
        Interaction duel = interaction("b", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my PIN?", "There.", "Here.");
        stream.send(Records.withVersions(duel, "default", "v2"));
        stream.send(interaction("c", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my money?", "Gone."));
        stream.send(feedback("g", "c", 2, thumb(false)));
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.5, Arm.CANDIDATE, 1));
        assertThat(card.votes()).isEmpty();
        assertThat(card.events()).isEmpty();
    }

    @Test
    void countsAUsersFirstChoiceBetweenTheArmsUnlessAThumbOfTheirsCounted() {
        stream.send(interaction("t", "tom", "v2-1", Arm.CHAMPION, .5, "Where is my card?", "Here."));
        stream.send(feedback("t", "t", 1, thumb(true)));
        for (String user : List.of("mia", "ben", "tom")) {
            for (String turn : List.of("1", "2")) {
                Interaction duel =
                        interaction(user + turn, user, "v2-1", Arm.CHAMPION, .5, "Where is my PIN?", "There.", "Here.");
                stream.send(Records.withVersions(duel, "default", "v2"));
            }
        }
        stream.send(feedback("tie", "ben1", 2, new Preference(Outcome.TIE)));
        stream.send(feedback("first", "mia2", 3, new Preference(Outcome.SECOND)));
        stream.send(feedback("again", "mia1", 4, new Preference(Outcome.FIRST)));
        stream.send(feedback("changed", "mia2", 5, new Preference(Outcome.FIRST)));
        stream.send(feedback("untied", "ben2", 6, new Preference(Outcome.FIRST)));
        stream.send(feedback("voter", "tom1", 7, new Preference(Outcome.SECOND)));
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.5, Arm.CHAMPION, 3));
        assertThat(card.events())
                .containsExactlyInAnyOrder(
                        new Events(.5, Arm.CHAMPION, Kind.VOTED, 1),
                        new Events(.5, Arm.CANDIDATE, Kind.PREFERRED, 1),
                        new Events(.5, Arm.CHAMPION, Kind.PREFERRED, 1));
    }

    @Test
    void countsNoChoiceThatIsNotBetweenTheArmsAlike() {
        Interaction early = interaction("e", "mia", "v2-1", Arm.CHAMPION, .25, "Where is my PIN?", "There.", "Here.");
        stream.send(Records.withVersions(early, "default", "v2"));
        Interaction inVain = interaction("r", "ben", "v2-1", Arm.CHAMPION, .5, "Where is my PIN?", "There.", "Here.");
        stream.send(Records.withVersions(Records.afterRival(inVain, "v2"), "default", "spare"));
        stream.send(feedback("f", "e", 1, new Preference(Outcome.FIRST)));
        stream.send(feedback("g", "r", 2, new Preference(Outcome.SECOND)));
        stream.pass(Duration.ofSeconds(1));
        assertThat(only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1").events())
                .isEmpty();
    }

    /** Both arms of a rollout are on one side of it. */
    @Test
    void goesOnCountingTheVotesOfAUserWhoSawBothArmsAgainstTheHoldOut() {
        String holdout = "holdout-0.02-1";
        Interaction duel = interaction("b", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my PIN?", "There.", "Here.");
        stream.send(Records.comparedIn(Records.withVersions(duel, "default", "v2"), holdout));
        stream.send(Records.comparedIn(
                interaction("c", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my money?", "Gone."), holdout));
        stream.send(feedback("g", "c", 2, thumb(false)));
        stream.pass(Duration.ofSeconds(1));
        Map<String, PolicyScorecard> cards = stream.latest(Topics.POLICY_SCORECARDS);
        assertThat(only(cards, "support/v2-1").votes()).isEmpty();
        PolicyScorecard compared = only(cards, "support/" + holdout);
        assertThat(compared.exposures()).containsExactly(new PolicyScorecard.Exposures(.98, Arm.CANDIDATE, 1));
        assertThat(compared.votes()).containsExactly(new PolicyScorecard.Votes(.98, Arm.CANDIDATE, 0, 1));
    }

    @Test
    void countsAUserOnceAtAShareHoweverOldTheRepliesThatAreJudged() {
        stream.send(interaction("a", "mia", "v2-1", Arm.CANDIDATE, .05, "Where is my card?", "Here."));
        for (int i = 0; i < 20; i++) {
            stream.send(interaction("new" + i, "mia", "v2-1", Arm.CANDIDATE, .25, "Where is my pin?", "Here."));
            stream.send(feedback("f" + i, "a", i, thumb(i % 2 == 0)));
        }
        stream.pass(Duration.ofSeconds(1));
        assertThat(only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1").met())
                .containsExactlyInAnyOrder(
                        new PolicyScorecard.Exposures(.05, Arm.CANDIDATE, 1),
                        new PolicyScorecard.Exposures(.25, Arm.CANDIDATE, 1));
    }

    /** By a clock that was wrong when it began, or by who writes to the topics: the others go on counting. */
    @Test
    void countsNobodyInAnExperimentOfTheFuture() {
        stream.send(interaction("a", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my card?", "Here."));
        stream.send(interaction("b", "ben", "v2-99999999999999", Arm.CANDIDATE, .5, "Where is my card?", "Here."));
        stream.send(Records.comparedIn(
                interaction("c", "eve", null, Arm.CHAMPION, 0, "Where is my card?", "Here."),
                "holdout-0.02-99999999999999"));
        stream.send(interaction("d", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my card?", "Here."));
        stream.pass(Duration.ofSeconds(1));
        Map<String, PolicyScorecard> cards = stream.latest(Topics.POLICY_SCORECARDS);
        assertThat(cards).containsOnlyKeys("support/v2-1");
        assertThat(only(cards, "support/v2-1").exposures())
                .containsExactly(new PolicyScorecard.Exposures(.5, Arm.CANDIDATE, 1));
    }

    @Test
    void goesOnCountingAgainstAHoldOutThatIsOlderThanAnyRollout() {
        String holdout = "holdout-0.02-1";
        stream.send(Records.comparedIn(
                interaction("a", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my card?", "Here."), holdout));
        long later = Duration.ofDays(200).toMillis();
        for (String id : List.of("b@200", "c@200")) {
            Interaction again = Records.comparedIn(
                    interaction(id, "mia", "v3-" + later, Arm.CANDIDATE, .5, "Where is my card?", "Here."), holdout);
            stream.input(Topics.INTERACTIONS).pipeInput(id(id), again, later);
        }
        stream.pass(Duration.ofSeconds(1));
        assertThat(only(stream.latest(Topics.POLICY_SCORECARDS), "support/" + holdout)
                        .exposures())
                .as("she was known")
                .containsExactly(new PolicyScorecard.Exposures(.98, Arm.CANDIDATE, 1));
    }

    @Test
    void putsAsideAJudgementWithWhichItsInteractionWouldBeTooLarge() {
        stream.send(interaction("a", "Where is my card?", "x".repeat(2_000_000)));
        stream.send(feedback("f", "a", 1, new FeedbackSignal.Edit("y".repeat(2_200_000))));
        assertThat(letters())
                .singleElement()
                .satisfies(letter -> assertThat(letter.reason()).contains("more than"));
        stream.send(feedback("g", "a", 2, thumb(true)));
        assertThat(only(stream.latest(Topics.RATED_INTERACTIONS), id("a")).judgements())
                .extracting(Feedback::feedbackId)
                .containsExactly("g");
        assertThat(letters()).isEmpty();
    }

    @Test
    void cutsTheKeyOfWhatItPutsAside() {
        stream.send(
                Topics.FEEDBACK, "k".repeat(2_000_000), "v".repeat(1_800_000).getBytes(StandardCharsets.UTF_8));
        var letter = stream.read(Topics.DEAD_LETTERS).getFirst();
        assertThat(letter.key).hasSizeLessThan(2_000);
    }

    /** A duel is as slow as its slower side. */
    @Test
    void doesNotCountAsSlowWhatWaitedForTheOtherArm() {
        Interaction late = Records.taking(
                interaction("a", "mia", "v2-1", Arm.CHAMPION, .5, "Where is my card?", "Here.", "There."),
                Duration.ofMinutes(1));
        stream.send(late);
        stream.send(Records.afterRival(
                Records.taking(
                        interaction("b", "ben", "v2-1", Arm.CHAMPION, .5, "Where is my card?", "Here.", "There."),
                        Duration.ofMinutes(1)),
                "v2"));
        stream.pass(Duration.ofSeconds(1));
        PolicyScorecard card = only(stream.latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.5, Arm.CHAMPION, 2));
        assertThat(card.events()).containsExactly(new Events(.5, Arm.CHAMPION, Kind.SLOW, 1));
    }

    @Test
    void startsACanaryWhenAVersionIsRegisteredAndAbortsItOnce() {
        command("c1", RolloutCommand.Action.REGISTER, "v2");
        RolloutState running = only(stream.latest(Topics.ROLLOUT_STATE), "support");
        assertThat(running.phase()).isEqualTo(Phase.CANARY);
        assertThat(running.candidate()).isEqualTo("v2");
        command("c2", RolloutCommand.Action.ABORT, null);
        command("c2", RolloutCommand.Action.ABORT, null);
        RolloutState aborted = only(stream.latest(Topics.ROLLOUT_STATE), "support");
        assertThat(aborted.phase()).isEqualTo(Phase.ABORTED);
        assertThat(aborted.champion()).isEqualTo("default");
        assertThat(stream.latest(Topics.ROLLOUT_HISTORY)).hasSize(1);
    }

    private void command(String id, RolloutCommand.Action action, @Nullable String version) {
        stream.input(Topics.ROLLOUT_COMMANDS)
                .pipeInput(
                        "support",
                        new RolloutCommand(Event.SCHEMA, id, "support", action, version, null, "ann", "why", 1));
    }
}
