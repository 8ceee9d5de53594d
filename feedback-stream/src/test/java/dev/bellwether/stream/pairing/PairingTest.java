package dev.bellwether.stream.pairing;

import static dev.bellwether.stream.Records.feedback;
import static dev.bellwether.stream.Records.id;
import static dev.bellwether.stream.Records.interaction;
import static dev.bellwether.stream.Records.thumb;
import static dev.bellwether.stream.Records.withdrawal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Source;
import dev.bellwether.stream.Records;
import dev.bellwether.stream.StreamDriver;
import dev.bellwether.stream.pairing.PairRules.Ruled;
import dev.bellwether.topic.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.streams.KeyValue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairingTest {
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

    @Test
    void saysWhereTheRewardModelDoubtedADuelsReplies() {
        Interaction duel = interaction("a", "Where is my card?", "Here.", "There.");
        stream.send(Records.doubted(duel));
        stream.send(feedback("f", "a", 1, new Preference(Outcome.FIRST)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(PreferencePair::origin)
                .containsExactly(Origin.DOUBTED_DUEL);
    }

    @Test
    void makesAPairOfADuelAndTakesItBackWithTheJudgement() {
        stream.send(interaction("a", "Where is my card?", "Here.", "There."));
        stream.send(feedback("f", "a", 1, new Preference(Outcome.SECOND)));
        Map<String, PreferencePair> pairs = stream.latest(Topics.PREFERENCE_PAIRS);
        assertThat(pairs).hasSize(1);
        PreferencePair pair = pairs.values().iterator().next();
        assertThat(pair.origin()).isEqualTo(Origin.DUEL);
        assertThat(pair.weight()).isEqualTo(1);
        assertThat(pair.chosen().text()).isEqualTo("There.");
        assertThat(pair.rejected().text()).isEqualTo("Here.");
        stream.send(withdrawal("w", "a", 2, "f"));
        var tombstones = stream.read(Topics.PREFERENCE_PAIRS);
        assertThat(tombstones).hasSize(1);
        assertThat(tombstones.getFirst().key).isEqualTo(pair.pairId());
        assertThat(tombstones.getFirst().value).isNull();
    }

    @Test
    void makesNoPairOfTiesOrIdenticalTexts() {
        stream.send(interaction("a", "Where is my card?", "Here.", "There."));
        stream.send(feedback("f", "a", 1, new Preference(Outcome.TIE)));
        stream.send(interaction("b", "Where is my pin?", "Same.", "Same."));
        stream.send(feedback("g", "b", 1, new Preference(Outcome.FIRST)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS)).isEmpty();
    }

    @Test
    void ranksThreeRepliesIntoThreePairsThatWeighAsMuchAsOneJudgement() {
        stream.send(interaction("a", "Where is my card?", "One.", "Two.", "Three."));
        stream.send(feedback("f", "a", 1, new Ranking(List.of(List.of(2), List.of(0), List.of(1)))));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.chosen().text() + pair.rejected().text() + pair.weight() * 3)
                .containsExactlyInAnyOrder("Three.One.1.0", "Three.Two.1.0", "One.Two.1.0");
    }

    @Test
    void pairsThumbsOnlyWithinOnePrompt() {
        stream.send(interaction("a", "Where is  my CARD?", "Good."));
        stream.send(interaction("b", "where is my card?", "Bad."));
        stream.send(interaction("c", "Where is my pin?", "Bad too."));
        stream.send(feedback("f", "a", 1, thumb(true)));
        stream.send(feedback("g", "b", 2, thumb(false)));
        stream.send(feedback("h", "c", 3, thumb(false)));
        Map<String, PreferencePair> pairs = stream.latest(Topics.PREFERENCE_PAIRS);
        assertThat(pairs.values())
                .extracting(pair ->
                        pair.origin() + pair.chosen().text() + pair.rejected().text())
                .containsExactly("THUMBSGood.Bad.");
    }

    /** A quarter of a million couples of thumbs, of which eight are wanted. */
    @Test
    void takesTheNewestOfVeryManyThumbsOnOnePrompt() {
        String[] replies = IntStream.range(0, 16)
                .mapToObj(i -> "Reply %d. ".formatted(i) + "x".repeat(2_000))
                .toArray(String[]::new);
        List<RatedInteraction> rated = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            String name = "i" + i;
            List<Feedback> judgements = new ArrayList<>();
            for (int choice = 0; choice < replies.length; choice++) {
                judgements.add(new Feedback(
                        Event.SCHEMA,
                        "f%d-%d".formatted(i, choice),
                        id(name),
                        choice,
                        "judge",
                        Source.END_USER,
                        thumb(i % 2 == 0),
                        null,
                        1_000L * i + choice));
            }
            String[] own = IntStream.range(0, 16)
                    .mapToObj(side -> name + replies[side])
                    .toArray(String[]::new);
            rated.add(new RatedInteraction(Event.SCHEMA, 1, interaction(name, "Hi", own), judgements));
        }
        Map<String, Ruled> pairs = PairRules.apply(rated, List.of(), Map.of(), PairRules.THUMB_PAIRS_MAX);
        assertThat(pairs).hasSize(PairRules.THUMB_PAIRS_MAX);
        assertThat(pairs.values())
                .allMatch(each -> each.pair().chosen().interactionId().equals(id("i62"))
                        && each.pair().rejected().interactionId().equals(id("i63")));
    }

    @Test
    void saysAPairAnewWhenItChangesUnderItsId() {
        stream.send(interaction("a", "Where is my card?", "Good."));
        stream.send(interaction("b", "Where is my card?", "Bad.", "Bad."));
        stream.send(feedback("f", "a", 1, thumb(true)));
        stream.send(on(0, Source.END_USER, feedback("g", "b", 2, thumb(false))));
        PreferencePair first = onlyPair();
        assertThat(first.rejected().side()).isZero();
        stream.send(on(1, Source.END_USER, feedback("h", "b", 3, thumb(false))));
        PreferencePair second = onlyPair();
        assertThat(second.pairId()).isEqualTo(first.pairId());
        assertThat(second.rejected().side()).isEqualTo(1);
        stream.send(on(0, Source.REVIEWER, feedback("i", "a", 1, thumb(true))));
        PreferencePair third = onlyPair();
        assertThat(third.pairId()).isEqualTo(first.pairId());
        assertThat(third.source()).isEqualTo(Source.REVIEWER);
    }

    private PreferencePair onlyPair() {
        Map<String, PreferencePair> pairs = stream.latest(Topics.PREFERENCE_PAIRS);
        assertThat(pairs).hasSize(1);
        return pairs.values().iterator().next();
    }

    private static Feedback on(int choice, Source source, Feedback each) {
        return new Feedback(
                each.schema(),
                each.feedbackId(),
                each.interactionId(),
                choice,
                each.userHash(),
                source,
                each.signal(),
                each.withdraws(),
                each.time());
    }

    @Test
    void prefersAnEditWeaklyAndAFlaggedReplyNever() {
        stream.send(interaction("a", "Where is my card?", "Here."));
        stream.send(feedback("f", "a", 1, new Edit("On its way.")));
        stream.send(interaction("b", "Where is my pin?", "Secret.", "Public."));
        stream.send(feedback("g", "b", 1, new Preference(Outcome.FIRST)));
        stream.send(feedback("h", "b", 2, new Flag("private", null)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.origin() + pair.chosen().text() + pair.weight())
                .containsExactly("EDITOn its way.0.5");
    }

    /** One of Mia's turns in her conversation; a turn's time follows from its id. */
    private static Interaction turn(String id, String question, String... replies) {
        return interaction(id, "mia", null, Arm.CHAMPION, 0, question, replies);
    }

    private static Interaction at(long time, Interaction each) {
        return new Interaction(
                each.schema(),
                each.interactionId(),
                each.bot(),
                each.conversationId(),
                each.userHash(),
                each.prompt(),
                each.replies(),
                each.experiment(),
                each.arm(),
                each.candidateShare(),
                each.reason(),
                each.complete(),
                each.latencyMillis(),
                time,
                each.attributes(),
                each.answer(),
                each.holdout());
    }

    private List<String> pairs() {
        return stream.latest(Topics.PREFERENCE_PAIRS).values().stream()
                .map(pair -> "%s %s > %s %s"
                        .formatted(
                                pair.origin(),
                                pair.chosen().text(),
                                pair.rejected().text(),
                                pair.weight()))
                .toList();
    }

    @Test
    void prefersTheReplyThatWasKeptOverTheOneRegeneratedAway() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        stream.send(turn("b", "Where is my card?", "On its way."));
        stream.send(feedback("g", "b", 2, thumb(true)));
        assertThat(pairs()).containsExactly("REGENERATE On its way. > Here. 1.0");
        stream.send(feedback("h", "b", 3, thumb(false)));
        assertThat(pairs()).isEmpty();
    }

    @Test
    void prefersAReplyThatWasKeptInSilenceWeaklyAndTakesItBackWithTheSignal() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(turn("b", "Where is my card?", "On its way."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        List<KeyValue<String, @Nullable PreferencePair>> emitted = stream.read(Topics.PREFERENCE_PAIRS);
        assertThat(emitted)
                .extracting(pair -> pair.value == null ? 0 : pair.value.weight())
                .containsExactly(.5);
        stream.send(withdrawal("w", "a", 2, "f"));
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).containsExactly(KeyValue.pair(emitted.getFirst().key, null));
    }

    @Test
    void takesTheLastOfSeveralTriesForTheOneThatWasKept() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        stream.send(turn("b", "Where is my card?", "On its way."));
        stream.send(feedback("g", "b", 2, new Signal("regenerated")));
        stream.send(turn("c", "Where is my card?", "In the post."));
        assertThat(pairs())
                .containsExactlyInAnyOrder(
                        "REGENERATE In the post. > Here. 0.5", "REGENERATE In the post. > On its way. 0.5");
    }

    @Test
    void takesNothingForKeptThatAnotherGotOrThatCameMuchLaterOrWasNotRead() {
        stream.send(at(0, turn("a", "Where is my card?", "Here.")));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        stream.send(at(1, interaction("b", "Where is my card?", "Somebody else's.")));
        stream.send(at(Duration.ofDays(2).toMillis(), turn("c", "Where is my card?", "Days later.")));
        stream.send(at(3, turn("d", "Where is my card?", " ")));
        stream.send(feedback("s", "d", 2, new Signal("shown")));
        stream.send(at(4, turn("e", "Where is my card?", "One", "Two")));
        stream.send(at(5, turn("g", "Where is my pin?", "Another question.")));
        assertThat(pairs()).isEmpty();
        stream.send(at(6, turn("h", "Where is my card?", "In the post.")));
        assertThat(pairs()).containsExactly("REGENERATE In the post. > Here. 0.5");
    }

    @Test
    void takesALikedTryBeforeALaterOneAndNeverAFlaggedOne() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(turn("b", "Where is my card?", "On its way."));
        stream.send(turn("c", "Where is my card?", "In the post."));
        stream.send(turn("d", "Where is my card?", "With the courier."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        assertThat(pairs()).containsExactly("REGENERATE With the courier. > Here. 0.5");
        stream.send(feedback("g", "c", 2, thumb(true)));
        assertThat(pairs()).containsExactly("REGENERATE In the post. > Here. 1.0");
        stream.send(feedback("h", "c", 3, new Flag("wrong", null)));
        assertThat(pairs()).containsExactly("REGENERATE With the courier. > Here. 0.5");
    }

    @Test
    void takesTheLastOfVeryManyTriesBeforeTheSignalOrAfterItWhateverTheClockOfOthersSays() {
        long future = Duration.ofDays(300).toMillis();
        for (boolean signalFirst : new boolean[] {true, false}) {
            stream.close();
            stream = new StreamDriver(directory.resolve("signal-first-" + signalFirst));
            stream.send(at(future, interaction("z", "Where is my pin?", "There.")));
            stream.send(at(0, turn("a", "Where is my card?", "Here.")));
            Feedback signal = feedback("f", "a", 1, new Signal("regenerated"));
            if (signalFirst) {
                stream.send(signal);
            }
            for (int i = 1; i <= 70; i++) {
                stream.send(at(i, turn("b" + i, "Where is my card?", "Try " + i)));
            }
            if (!signalFirst) {
                stream.send(signal);
            }
            assertThat(pairs()).containsExactly("REGENERATE Try 70 > Here. 0.5");
        }
    }

    @Test
    void forgetsTriesAfterADay() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(turn("b", "Where is my card?", "On its way."));
        send(2, interaction("z@2", "Where is my card?", "There."));
        send(2, feedback("h", "a", 2, new Signal("regenerated")));
        assertThat(pairs()).isEmpty();
    }

    @Test
    void keepsAPairWhoseTriesAreForgottenUntilItsJudgementGoes() {
        stream.send(turn("a", "Where is my card?", "Here."));
        stream.send(turn("b", "Where is my card?", "On its way."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        List<KeyValue<String, @Nullable PreferencePair>> emitted = stream.read(Topics.PREFERENCE_PAIRS);
        assertThat(emitted).hasSize(1);
        send(2, interaction("z@2", "Where is my card?", "There."));
        send(2, feedback("g", "a", 2, new Signal("copied")));
        send(2, feedback("h", "z@2", 2, new Flag("wrong", null)));
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).isEmpty();
        send(3, withdrawal("w", "a", 3, "f"));
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).containsExactly(KeyValue.pair(emitted.getFirst().key, null));
    }

    @Test
    void takesNothingBackHoweverManyRepliesToAPromptAreJudged() {
        Set<String> made = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            stream.send(interaction("i" + i, "Where is my card?", "First " + i, "Second " + i));
            stream.send(feedback("p" + i, "i" + i, i, new Preference(Outcome.FIRST)));
            stream.send(interaction("t" + i, "Where is my card?", "Reply " + i));
            // The same up and down again: what is newer takes no place that is taken.
            if (i < 4 || i > 40) {
                stream.send(feedback("v" + i, "t" + i, i % 2, thumb(i % 2 == 0)));
            }
            for (KeyValue<String, @Nullable PreferencePair> pair : stream.read(Topics.PREFERENCE_PAIRS)) {
                if (pair.value == null) {
                    assertThat(i).as("takes %s back", pair.key).isLessThan(64);
                    made.remove(pair.key);
                } else {
                    made.add(pair.key);
                }
            }
        }
        assertThat(made).hasSize(208);
        stream.send(withdrawal("w", "i3", 300, "p3"));
        assertThat(stream.read(Topics.PREFERENCE_PAIRS))
                .hasSize(1)
                .allMatch(pair -> pair.value == null && made.contains(pair.key));
    }

    @Test
    void takesBackThePairOfAThumbThatIsWithdrawnLongAfterOthersAreLookedAt() {
        stream.send(interaction("u", "Where is my card?", "Good."));
        stream.send(feedback("f", "u", 1, thumb(true)));
        stream.send(interaction("d", "Where is my card?", "Bad."));
        stream.send(feedback("g", "d", 2, thumb(false)));
        String pairId = stream.read(Topics.PREFERENCE_PAIRS).getFirst().key;
        for (int i = 0; i < 100; i++) {
            stream.send(interaction("x" + i, "Where is my card?", "First " + i, "Second " + i));
            stream.send(feedback("p" + i, "x" + i, i, new Preference(Outcome.FIRST)));
        }
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).allMatch(pair -> pair.value != null);
        stream.send(withdrawal("w", "d", 3, "g"));
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).containsExactly(KeyValue.pair(pairId, null));
    }

    private void send(int day, Interaction interaction) {
        stream.input(Topics.INTERACTIONS)
                .pipeInput(
                        interaction.interactionId(),
                        interaction,
                        Duration.ofDays(day).toMillis());
    }

    private void send(int day, Feedback feedback) {
        stream.input(Topics.FEEDBACK)
                .pipeInput(
                        feedback.interactionId(), feedback, Duration.ofDays(day).toMillis());
    }

    @Test
    void keepsEveryPairOfAPromptThatIsFull() {
        stream.send(at(100, turn("a", "Where is my card?", "Here.")));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        stream.send(at(1_000, turn("b", "Where is my card?", "On its way.")));
        for (int i = 1; i < 64; i++) {
            stream.send(at(i, interaction("j" + i, "Where is my card?", "First " + i, "Second " + i)));
            stream.send(feedback("p" + i, "j" + i, i, new Preference(Outcome.FIRST)));
        }
        assertThat(pairs())
                .hasSize(64)
                .filteredOn(pair -> !pair.startsWith("DUEL"))
                .containsExactly("REGENERATE On its way. > Here. 0.5");
    }

    @Test
    void endsInTheSamePairsWhateverTheOrderAndHoweverOftenRecordsCome() {
        List<Event> records = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            String id = "i" + i;
            records.add(turn(id, "Question " + i % 2, "Reply " + i, "Other " + i));
            records.add(feedback("p" + i, id, i, new Preference(i % 2 == 0 ? Outcome.FIRST : Outcome.SECOND)));
            records.add(feedback("t" + i, id, 10 + i, thumb(i % 3 == 0)));
            records.add(feedback("e" + i, id, 20 + i, new Edit("Edited " + i)));
        }
        records.add(feedback("r0", "i0", 30, new Signal("regenerated")));
        records.add(feedback("r2", "i2", 30, new Signal("regenerated")));
        records.add(turn("k0", "Question 0", "Kept."));
        records.add(turn("k2", "Question 0", "Kept as well."));
        records.add(withdrawal("w", "i2", 40, "p2"));
        Map<String, PreferencePair> expected = Map.of();
        for (int permutation = 0; permutation < 12; permutation++) {
            stream.close();
            stream = new StreamDriver(directory.resolve("permutation-" + permutation));
            List<Event> sent = new ArrayList<>(records);
            if (permutation > 0) {
                sent.addAll(records.subList(0, permutation));
                Collections.shuffle(sent, new Random(permutation));
            }
            for (Event record : sent) {
                if (record instanceof Interaction interaction) {
                    stream.send(interaction);
                } else if (record instanceof Feedback feedback) {
                    stream.send(feedback);
                }
            }
            Map<String, PreferencePair> pairs = stream.latest(Topics.PREFERENCE_PAIRS);
            if (permutation == 0) {
                expected = pairs;
                assertThat(expected).hasSizeGreaterThan(10);
                assertThat(expected.values()).anyMatch(pair -> pair.origin() == Origin.REGENERATE);
            }
            assertThat(pairs).isEqualTo(expected);
        }
    }
}
