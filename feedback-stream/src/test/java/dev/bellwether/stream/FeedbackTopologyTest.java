package dev.bellwether.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.Source;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.stream.rollout.RolloutConfig;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackTopologyTest {
    @TempDir
    private Path directory = Path.of("");

    private TopologyTestDriver driver;

    @BeforeEach
    void start() {
        driver = open("first");
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    private TopologyTestDriver open(String name) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "test-" + name);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, directory.resolve(name).toString());
        return new TopologyTestDriver(
                FeedbackTopology.build(
                        Duration.ofDays(7),
                        () -> Map.of("support", new BotRollout("default", RolloutConfig.defaults()))),
                settings);
    }

    private <E extends Event> TestInputTopic<String, E> input(Topic<E> topic) {
        return driver.createInputTopic(
                topic.name(), new StringSerializer(), topic.valueSerde().serializer());
    }

    private <E extends Event> Map<String, E> latest(Topic<E> topic) {
        Map<String, E> latest = new TreeMap<>();
        driver.createOutputTopic(
                        topic.name(),
                        topic.keySerde().deserializer(),
                        topic.valueSerde().deserializer())
                .readKeyValuesToList()
                .forEach(entry -> {
                    latest.remove(entry.key);
                    if (entry.value != null) {
                        latest.put(entry.key, entry.value);
                    }
                });
        return latest;
    }

    private static <E> E only(Map<String, E> records, String key) {
        assertThat(records).containsKey(key);
        return Optional.ofNullable(records.get(key)).orElseThrow();
    }

    private static Interaction interaction(String id, String question, String... replies) {
        return interaction(id, "user-" + id, null, Arm.CHAMPION, 0, question, replies);
    }

    private static Interaction interaction(
            String id,
            String user,
            @Nullable String experiment,
            Arm arm,
            double share,
            String question,
            String... replies) {
        List<Reply> texts = Arrays.stream(replies)
                .map(text -> new Reply(text, "default", 0, "stop", 5, 5, .7, 1))
                .toList();
        return new Interaction(
                Event.SCHEMA,
                id,
                "support",
                "conversation",
                user,
                List.of(new Message("user", question)),
                texts,
                experiment,
                arm,
                share,
                experiment == null ? AssignmentReason.DEFAULT : AssignmentReason.SPLIT,
                true,
                10,
                id.hashCode(),
                Map.of());
    }

    private static Feedback feedback(String id, String interaction, long time, FeedbackSignal signal) {
        return new Feedback(
                Event.SCHEMA, id, interaction, 0, "user-" + interaction, Source.END_USER, signal, null, time);
    }

    private static Feedback withdrawal(String id, String interaction, long time, String withdrawn) {
        return new Feedback(
                Event.SCHEMA, id, interaction, 0, "user-" + interaction, Source.END_USER, null, withdrawn, time);
    }

    private static Thumb thumb(boolean up) {
        return new Thumb(up, List.of(), null);
    }

    private void send(Interaction interaction) {
        input(Topics.INTERACTIONS).pipeInput(interaction.interactionId(), interaction);
    }

    private void send(Feedback feedback) {
        input(Topics.FEEDBACK).pipeInput(feedback.interactionId(), feedback);
    }

    @Test
    void joinsAVoteThatComesBeforeItsInteraction() {
        send(feedback("f", "a", 1, thumb(true)));
        assertThat(latest(Topics.RATED_INTERACTIONS)).isEmpty();
        send(interaction("a", "Where is my card?", "Here."));
        RatedInteraction rated = only(latest(Topics.RATED_INTERACTIONS), "a");
        assertThat(rated.judgements()).extracting(Feedback::feedbackId).containsExactly("f");
    }

    @Test
    void keepsTheLastJudgementOfAKindAndCountsADuplicateOnce() {
        send(interaction("a", "Where is my card?", "Here."));
        send(feedback("f2", "a", 2, thumb(false)));
        send(feedback("f1", "a", 1, thumb(true)));
        send(feedback("f1", "a", 1, thumb(true)));
        RatedInteraction rated = only(latest(Topics.RATED_INTERACTIONS), "a");
        assertThat(rated.judgements()).extracting(Feedback::feedbackId).containsExactly("f2");
    }

    @Test
    void makesAPairOfADuelAndTakesItBackWithTheJudgement() {
        send(interaction("a", "Where is my card?", "Here.", "There."));
        send(feedback("f", "a", 1, new Preference(Outcome.SECOND)));
        Map<String, PreferencePair> pairs = latest(Topics.PREFERENCE_PAIRS);
        assertThat(pairs).hasSize(1);
        PreferencePair pair = pairs.values().iterator().next();
        assertThat(pair.origin()).isEqualTo(Origin.DUEL);
        assertThat(pair.weight()).isEqualTo(1);
        assertThat(pair.chosen().text()).isEqualTo("There.");
        assertThat(pair.rejected().text()).isEqualTo("Here.");
        send(withdrawal("w", "a", 2, "f"));
        var tombstones = driver.createOutputTopic(
                        Topics.PREFERENCE_PAIRS.name(),
                        Topics.PREFERENCE_PAIRS.keySerde().deserializer(),
                        Topics.PREFERENCE_PAIRS.valueSerde().deserializer())
                .readKeyValuesToList();
        assertThat(tombstones).hasSize(1);
        assertThat(tombstones.getFirst().key).isEqualTo(pair.pairId());
        assertThat(tombstones.getFirst().value).isNull();
    }

    @Test
    void makesNoPairOfTiesOrIdenticalTexts() {
        send(interaction("a", "Where is my card?", "Here.", "There."));
        send(feedback("f", "a", 1, new Preference(Outcome.TIE)));
        send(interaction("b", "Where is my pin?", "Same.", "Same."));
        send(feedback("g", "b", 1, new Preference(Outcome.FIRST)));
        assertThat(latest(Topics.PREFERENCE_PAIRS)).isEmpty();
    }

    @Test
    void ranksThreeRepliesIntoThreePairsThatWeighAsMuchAsOneJudgement() {
        send(interaction("a", "Where is my card?", "One.", "Two.", "Three."));
        send(feedback("f", "a", 1, new Ranking(List.of(List.of(2), List.of(0), List.of(1)))));
        assertThat(latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.chosen().text() + pair.rejected().text() + pair.weight() * 3)
                .containsExactlyInAnyOrder("Three.One.1.0", "Three.Two.1.0", "One.Two.1.0");
    }

    @Test
    void pairsThumbsOnlyWithinOnePrompt() {
        send(interaction("a", "Where is  my CARD?", "Good."));
        send(interaction("b", "where is my card?", "Bad."));
        send(interaction("c", "Where is my pin?", "Bad too."));
        send(feedback("f", "a", 1, thumb(true)));
        send(feedback("g", "b", 2, thumb(false)));
        send(feedback("h", "c", 3, thumb(false)));
        Map<String, PreferencePair> pairs = latest(Topics.PREFERENCE_PAIRS);
        assertThat(pairs.values())
                .extracting(pair ->
                        pair.origin() + pair.chosen().text() + pair.rejected().text())
                .containsExactly("THUMBSGood.Bad.");
    }

    @Test
    void prefersAnEditWeaklyAndAFlaggedReplyNever() {
        send(interaction("a", "Where is my card?", "Here."));
        send(feedback("f", "a", 1, new Edit("On its way.")));
        send(interaction("b", "Where is my pin?", "Secret.", "Public."));
        send(feedback("g", "b", 1, new Preference(Outcome.FIRST)));
        send(feedback("h", "b", 2, new Flag("private", null)));
        assertThat(latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.origin() + pair.chosen().text() + pair.weight())
                .containsExactly("EDITOn its way.0.5");
    }

    @Test
    void prefersTheReplyThatWasKeptOverTheOneRegeneratedAway() {
        Interaction first = interaction("a", "Where is my card?", "Here.");
        send(first);
        send(feedback("f", "a", 1, new Signal("regenerated")));
        Interaction second = interaction("b", "Where is my card?", "On its way.");
        send(second);
        send(feedback("g", "b", 2, thumb(true)));
        assertThat(latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.origin() + pair.chosen().text() + pair.weight())
                .containsExactly("REGENERATEOn its way.1.0");
        send(feedback("h", "b", 3, thumb(false)));
        assertThat(latest(Topics.PREFERENCE_PAIRS)).isEmpty();
    }

    @Test
    void putsWhatItCannotReadAside() {
        driver.createInputTopic(Topics.FEEDBACK.name(), new StringSerializer(), new ByteArraySerializer())
                .pipeInput("a", "{\"schema\": 99}".getBytes(StandardCharsets.UTF_8));
        List<DeadLetter> letters = letters();
        assertThat(letters).hasSize(1);
        assertThat(letters.getFirst().topic()).isEqualTo("feedback");
        assertThat(letters.getFirst().reason()).contains("schema 99");
    }

    private List<DeadLetter> letters() {
        return driver.createOutputTopic(
                        Topics.DEAD_LETTERS.name(),
                        Topics.DEAD_LETTERS.keySerde().deserializer(),
                        Topics.DEAD_LETTERS.valueSerde().deserializer())
                .readValuesToList();
    }

    @Test
    void putsAsideFeedbackWhoseInteractionNeverCame() {
        TestInputTopic<String, Feedback> topic = input(Topics.FEEDBACK);
        topic.pipeInput("lost", feedback("f", "lost", 1, thumb(true)), 0);
        topic.pipeInput(
                "late",
                feedback("g", "late", 2, thumb(true)),
                Duration.ofDays(6).toMillis());
        assertThat(letters()).isEmpty();
        topic.pipeInput(
                "late",
                feedback("h", "late", 3, thumb(true)),
                Duration.ofDays(8).toMillis());
        assertThat(letters()).extracting(DeadLetter::reason).containsExactly("its interaction never came");
    }

    @Test
    void putsAsideWhatALaterJudgementReplacedWhenThereIsTooMuchForOneReply() {
        send(interaction("a", "Where is my card?", "Here."));
        send(feedback("flag", "a", -1, new Flag("harmful", null)));
        for (int i = 0; i < 70; i++) {
            send(feedback("f" + i, "a", i, thumb(i % 2 == 0)));
        }
        assertThat(letters())
                .hasSize(7)
                .extracting(DeadLetter::reason)
                .containsOnly("too many judgements of one reply");
        send(withdrawal("w", "a", 70, "f69"));
        assertThat(only(latest(Topics.RATED_INTERACTIONS), "a").judgements())
                .extracting(Feedback::feedbackId)
                .containsExactly("flag", "f68");
    }

    @Test
    void countsAUsersFirstThumbInAnExperimentAndNoOther() {
        send(interaction("a", "mia", "v2-1", Arm.CANDIDATE, .25, "Where is my card?", "Here."));
        send(interaction("b", "mia", "v2-1", Arm.CANDIDATE, .5, "Where is my pin?", "Here."));
        send(feedback("f", "a", 1, thumb(false)));
        send(feedback("g", "b", 2, thumb(true)));
        send(feedback("h", "a", 3, thumb(true)));
        PolicyScorecard card = only(latest(Topics.POLICY_SCORECARDS), "support/v2-1");
        assertThat(card.exposures()).containsExactly(new PolicyScorecard.Exposures(.25, Arm.CANDIDATE, 1));
        assertThat(card.votes()).containsExactly(new PolicyScorecard.Votes(.25, Arm.CANDIDATE, 0, 1));
    }

    @Test
    void startsACanaryWhenAVersionIsRegisteredAndAbortsItOnce() {
        command("c1", RolloutCommand.Action.REGISTER, "v2");
        RolloutState running = only(latest(Topics.ROLLOUT_STATE), "support");
        assertThat(running.phase()).isEqualTo(Phase.CANARY);
        assertThat(running.candidate()).isEqualTo("v2");
        command("c2", RolloutCommand.Action.ABORT, null);
        command("c2", RolloutCommand.Action.ABORT, null);
        RolloutState aborted = only(latest(Topics.ROLLOUT_STATE), "support");
        assertThat(aborted.phase()).isEqualTo(Phase.ABORTED);
        assertThat(aborted.champion()).isEqualTo("default");
        assertThat(latest(Topics.ROLLOUT_HISTORY)).hasSize(1);
    }

    private void command(String id, RolloutCommand.Action action, @Nullable String version) {
        input(Topics.ROLLOUT_COMMANDS)
                .pipeInput(
                        "support",
                        new RolloutCommand(Event.SCHEMA, id, "support", action, version, null, "ann", "why", 1));
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
        records.add(withdrawal("w", "i2", 40, "p2"));
        Map<String, PreferencePair> expected = Map.of();
        for (int permutation = 0; permutation < 12; permutation++) {
            driver.close();
            driver = open("permutation-" + permutation);
            List<Event> sent = new ArrayList<>(records);
            if (permutation > 0) {
                sent.addAll(records.subList(0, permutation));
                Collections.shuffle(sent, new Random(permutation));
            }
            for (Event record : sent) {
                if (record instanceof Interaction interaction) {
                    send(interaction);
                } else if (record instanceof Feedback feedback) {
                    send(feedback);
                }
            }
            Map<String, PreferencePair> pairs = latest(Topics.PREFERENCE_PAIRS);
            if (permutation == 0) {
                expected = pairs;
                assertThat(expected).hasSizeGreaterThan(10);
            }
            assertThat(pairs).isEqualTo(expected);
        }
    }
}
