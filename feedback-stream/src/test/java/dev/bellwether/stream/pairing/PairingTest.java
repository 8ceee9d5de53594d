package dev.bellwether.stream.pairing;

import static dev.bellwether.stream.Records.feedback;
import static dev.bellwether.stream.Records.interaction;
import static dev.bellwether.stream.Records.thumb;
import static dev.bellwether.stream.Records.withdrawal;
import static org.assertj.core.api.Assertions.assertThat;

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
import dev.bellwether.stream.StreamDriver;
import dev.bellwether.topic.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.streams.TestInputTopic;
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

    @Test
    void prefersTheReplyThatWasKeptOverTheOneRegeneratedAway() {
        Interaction first = interaction("a", "Where is my card?", "Here.");
        stream.send(first);
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        Interaction second = interaction("b", "Where is my card?", "On its way.");
        stream.send(second);
        stream.send(feedback("g", "b", 2, thumb(true)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.origin() + pair.chosen().text() + pair.weight())
                .containsExactly("REGENERATEOn its way.1.0");
        stream.send(feedback("h", "b", 3, thumb(false)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS)).isEmpty();
    }

    @Test
    void prefersAReplyThatWasKeptInSilenceWeakly() {
        stream.send(interaction("a", "Where is my card?", "Here."));
        stream.send(feedback("f", "a", 1, new Signal("regenerated")));
        stream.send(interaction("b", "Where is my card?", "On its way."));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.origin() + pair.chosen().text() + pair.weight())
                .containsExactly("REGENERATEOn its way.0.5");
        TestInputTopic<String, Feedback> later = stream.input(Topics.FEEDBACK);
        later.pipeInput("a", feedback("g", "a", 2, thumb(true)), Instant.now().plus(Duration.ofDays(3)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS)).isEmpty();
        stream.send(interaction("c", "Where is my card?", "Gone."));
        stream.send(feedback("h", "b", 3, new Signal("regenerated")));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.chosen().text() + pair.rejected().text() + pair.weight())
                .containsExactlyInAnyOrder("Gone.Here.0.5", "Gone.On its way.0.5");
    }

    @Test
    void endsInTheSamePairsWhateverTheOrderAndHoweverOftenRecordsCome() {
        List<Event> records = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            String id = "i" + i;
            records.add(interaction(id, "Question " + i % 2, "Reply " + i, "Other " + i));
            records.add(feedback("p" + i, id, i, new Preference(i % 2 == 0 ? Outcome.FIRST : Outcome.SECOND)));
            records.add(feedback("t" + i, id, 10 + i, thumb(i % 3 == 0)));
            records.add(feedback("e" + i, id, 20 + i, new Edit("Edited " + i)));
        }
        records.add(feedback("r0", "i0", 30, new Signal("regenerated")));
        records.add(feedback("r2", "i2", 30, new Signal("regenerated")));
        records.add(interaction("k0", "Question 0", "Kept."));
        records.add(interaction("k2", "Question 0", "Kept as well."));
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
            }
            assertThat(pairs).isEqualTo(expected);
        }
    }
}
