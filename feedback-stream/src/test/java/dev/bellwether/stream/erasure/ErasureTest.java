package dev.bellwether.stream.erasure;

import static dev.bellwether.stream.Records.id;
import static dev.bellwether.stream.Records.interaction;
import static dev.bellwether.stream.Records.thumb;
import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.InteractionId;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.Source;
import dev.bellwether.stream.JsonSerde;
import dev.bellwether.stream.StreamDriver;
import dev.bellwether.topic.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErasureTest {
    private static final long LATER = Duration.ofDays(3).toMillis();

    @TempDir
    private Path directory = Path.of("");

    private StreamDriver stream;

    @BeforeEach
    void start() {
        stream = new StreamDriver(directory);
    }

    @AfterEach
    void stop() {
        stream.close();
    }

    private static Interaction of(String user, String id, String reply) {
        return interaction(id, user, "v2-1", Arm.CANDIDATE, .25, "Where is my card?", reply);
    }

    private static Feedback by(String user, String id, String interaction, FeedbackSignal signal) {
        return new Feedback(
                Event.SCHEMA,
                id,
                id(interaction),
                0,
                user,
                Source.END_USER,
                signal,
                null,
                InteractionId.time(id(interaction)));
    }

    private void erase(String user, long time) {
        stream.input(Topics.ERASURES).pipeInput(user, new Erasure(Event.SCHEMA, user, "shop", time));
    }

    @Test
    void takesBackWhatRestsOnAUserAndKeepsNothingOfThem() {
        stream.send(of("mia-hash", "a", "Mia's own reply."));
        stream.send(of("tom-hash", "b", "Read the terms."));
        stream.send(of("eva-hash", "c", "It is on its way."));
        stream.send(by("mia-hash", "f", "a", thumb(true)));
        stream.send(by("tom-hash", "g", "b", thumb(false)));
        stream.send(by("eva-hash", "h", "c", thumb(true)));
        stream.send(by("mia-hash", "early", "never-came", thumb(true)));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(pair -> pair.chosen().interactionId())
                .containsExactlyInAnyOrder(id("a"), id("c"));
        assertThat(stream.storesHold("mia-hash")).isNotEmpty();
        erase("mia-hash", LATER);
        assertThat(stream.read(Topics.PREFERENCE_PAIRS))
                .as("the pair of hers is withdrawn, nothing else changes")
                .singleElement()
                .satisfies(change -> assertThat(change.value).isNull());
        assertThat(stream.read(Topics.RATED_INTERACTIONS)).anySatisfy(change -> {
            assertThat(change.key).isEqualTo(id("a"));
            assertThat(change.value).isNull();
        });
        assertThat(stream.storesHold("mia-hash"))
                .as("that she asked, until nothing of hers can come any more")
                .containsExactly("erased-users");
        assertThat(stream.storesHold("Mia's own reply")).isEmpty();
        assertThat(stream.storesHold("tom-hash")).isNotEmpty();
    }

    /** Their gateway's clock was ahead of that which was asked. */
    @Test
    void forgetsWhatCameBeforeByTheStreamsClockAlone() {
        stream.input(Topics.INTERACTIONS).pipeInput(id("a"), of("mia-hash", "a", "Mia's own reply."), 1_000);
        long asked = InteractionId.time(id("a")) - 1;
        stream.input(Topics.ERASURES)
                .pipeInput("mia-hash", new Erasure(Event.SCHEMA, "mia-hash", "shop", asked), 2_000);
        assertThat(stream.storesHold("Mia's own reply")).isEmpty();
        stream.input(Topics.INTERACTIONS)
                .pipeInput(id("b@1"), of("mia-hash", "b@1", "She is back."), InteractionId.time(id("b@1")));
        assertThat(stream.storesHold("She is back")).isNotEmpty();
    }

    /** What an earlier version kept of a user has no time at which it was appended: it was long ago. */
    @Test
    void readsWhatAnEarlierVersionKept() {
        String kept = "{\"interaction_id\": \"%s\", \"user_hash\": \"mia-hash\"}".formatted(id("a"));
        Forgotten known = JsonSerde.of(Forgotten.class)
                .deserializer()
                .deserialize("interactions-by-user", kept.getBytes(StandardCharsets.UTF_8));
        assertThat(known).isEqualTo(new Forgotten(id("a"), "mia-hash", 0, null));
    }

    @Test
    void forgetsVeryManyInteractionsInTurns() {
        for (int i = 0; i < 1_200; i++) {
            stream.send(of("guest", "i" + i, "Said to a guest."));
        }
        stream.read(Topics.RATED_INTERACTIONS);
        erase("guest", LATER);
        assertThat(stream.storesHold("Said to a guest"))
                .as("a thousand at once would be enough for a transaction")
                .isNotEmpty();
        stream.pass(Duration.ofSeconds(1));
        stream.pass(Duration.ofSeconds(1));
        assertThat(stream.storesHold("Said to a guest")).isEmpty();
        assertThat(stream.storesHold("guest")).containsExactly("erased-users");
    }

    @Test
    void forgetsAConversationInWhichAReplyWasRegenerated() {
        stream.send(interaction("a", "mia-hash", null, Arm.CHAMPION, 0, "Where is my card?", "Mia's first."));
        stream.send(interaction("b", "mia-hash", null, Arm.CHAMPION, 0, "Where is my card?", "Mia's second."));
        stream.send(by(
                "mia-hash", "f", id("a").compareTo(id("b")) < 0 ? "a" : "b", new FeedbackSignal.Signal("regenerated")));
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS).values())
                .extracting(PreferencePair::origin)
                .containsExactly(PreferencePair.Origin.REGENERATE);
        erase("mia-hash", LATER);
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS)).isEmpty();
        assertThat(stream.storesHold("Mia's")).isEmpty();
    }

    @Test
    void forgetsWhatComesLateAndKnowsWhoComesBack() {
        stream.send(of("mia-hash", "a", "Mia's own reply."));
        erase("mia-hash", LATER);
        stream.send(of("mia-hash", "a", "Mia's own reply."));
        stream.send(of("mia-hash", "spooled", "Mia's own reply."));
        stream.send(by("mia-hash", "f", "a", thumb(true)));
        assertThat(stream.latest(Topics.RATED_INTERACTIONS)).isEmpty();
        assertThat(stream.storesHold("Mia's own reply")).isEmpty();
        assertThat(stream.storesHold("mia-hash")).containsExactly("erased-users");
        long back = InteractionId.time(id("new@4"));
        stream.input(Topics.INTERACTIONS).pipeInput(id("new@4"), of("mia-hash", "new@4", "Welcome back."), back);
        stream.input(Topics.FEEDBACK).pipeInput(id("new@4"), by("mia-hash", "g", "new@4", thumb(true)), back);
        assertThat(stream.latest(Topics.RATED_INTERACTIONS)).containsOnlyKeys(id("new@4"));
    }

    @Test
    void forgetsWhatIsOlderThanItsInteractionsAreKept() {
        stream.send(of("mia-hash", "a", "Mia's own reply."));
        stream.send(by("mia-hash", "f", "a", thumb(true)));
        stream.send(of("tom-hash", "b", "Read the terms."));
        stream.send(by("tom-hash", "g", "b", thumb(false)));
        long later = Duration.ofDays(60).toMillis();
        stream.input(Topics.INTERACTIONS).pipeInput(id("c@60"), of("eva-hash", "c@60", "Yes."), later);
        assertThat(stream.latest(Topics.PREFERENCE_PAIRS)).hasSize(1);
        stream.input(Topics.ERASURES)
                .pipeInput("mia-hash", new Erasure(Event.SCHEMA, "mia-hash", "shop", later), later);
        assertThat(stream.read(Topics.PREFERENCE_PAIRS)).hasSize(1).allMatch(change -> change.value == null);
        assertThat(stream.storesHold("Mia's own reply")).isEmpty();
    }

    @Test
    void countsInAnExperimentWhatItCountedOfAUserWhoIsForgotten() {
        stream.send(of("mia-hash", "a", "Mia's own reply."));
        stream.send(by("mia-hash", "f", "a", thumb(false)));
        erase("mia-hash", LATER);
        stream.send(of("tom-hash", "b", "Read the terms."));
        stream.pass(Duration.ofSeconds(1));
        assertThat(stream.latest(Topics.POLICY_SCORECARDS).get("support/v2-1"))
                .isNotNull()
                .satisfies(card -> {
                    assertThat(card.exposures())
                            .singleElement()
                            .satisfies(all -> assertThat(all.users()).isEqualTo(2));
                    assertThat(card.votes())
                            .singleElement()
                            .satisfies(all -> assertThat(all.down()).isEqualTo(1));
                });
    }
}
