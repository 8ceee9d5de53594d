package dev.bellwether.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.topic.EventSerde;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Records that were written once must be read for ever: fixtures are added, never edited. */
class GoldenFixturesTest {
    private static final Path FIXTURES = Path.of("src/test/resources/event/v1");

    static Stream<Arguments> fixtures() {
        return Stream.of(
                        "interaction, Interaction",
                        "feedback-thumb, Feedback",
                        "feedback-preference, Feedback",
                        "feedback-ranking, Feedback",
                        "feedback-edit, Feedback",
                        "feedback-withdrawal, Feedback",
                        "preference-pair, PreferencePair",
                        "policy-scorecard, PolicyScorecard",
                        "rollout-command, RolloutCommand",
                        "rollout-state, RolloutState",
                        "rollout-state-loads, RolloutState",
                        "rollout-transition, RolloutTransition",
                        "refresh-progress, RefreshProgress",
                        "rated-interaction, RatedInteraction",
                        "refresh-request, RefreshRequest",
                        "erasure, Erasure",
                        "dead-letter, DeadLetter")
                .map(line -> line.split(", "))
                .map(names -> Arguments.of(names[0], names[1]));
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void readsAndWritesTheFixture(String name, String type) throws IOException, ClassNotFoundException {
        byte[] fixture = Files.readAllBytes(FIXTURES.resolve(name + ".json"));
        assertThat(again(type(type), fixture)).isEqualTo(EventJson.mapper().readTree(fixture));
    }

    private static Class<? extends Event> type(String name) throws ClassNotFoundException {
        return Class.forName("dev.bellwether.event." + name).asSubclass(Event.class);
    }

    /** A field that is missing makes no value up: it is refused, or the record is one that can do without. */
    @ParameterizedTest
    @MethodSource("fixtures")
    void refusesOrDoesWithoutEveryFieldThatIsMissing(String name, String type)
            throws IOException, ClassNotFoundException {
        JsonNode whole =
                EventJson.mapper().readTree(FIXTURES.resolve(name + ".json").toFile());
        List<String> refused = new ArrayList<>();
        for (String pointer : fields(whole, "")) {
            JsonNode without = whole.deepCopy();
            int slash = pointer.lastIndexOf('/');
            ((ObjectNode) without.at(pointer.substring(0, slash))).remove(pointer.substring(slash + 1));
            ObjectNode nulled = whole.deepCopy();
            ((ObjectNode) nulled.at(pointer.substring(0, slash))).putNull(pointer.substring(slash + 1));
            boolean read = readsAs(type(type), without, without);
            assertThat(readsAs(type(type), nulled, without))
                    .as("null at %s", pointer)
                    .isEqualTo(read);
            if (!read) {
                refused.add(pointer);
            }
        }
        assertThat(refused).contains("/schema").hasSizeGreaterThan(2);
    }

    private static List<String> fields(JsonNode node, String at) {
        List<String> pointers = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            // What a map is keyed by, a record cannot ask for.
            if (!at.matches("(/interaction)?/(attributes|technical|metrics)")) {
                pointers.add(at + "/" + field.getKey());
            }
            pointers.addAll(fields(field.getValue(), at + "/" + field.getKey()));
        }
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            pointers.addAll(fields(node.get(i), at + "/" + i));
        }
        return pointers;
    }

    /** Whether it is read, and then as what it says; anything but a clear refusal is thrown. */
    private static boolean readsAs(Class<? extends Event> type, JsonNode json, JsonNode meant) throws IOException {
        try {
            assertThat(again(type, EventJson.mapper().writeValueAsBytes(json))).isEqualTo(meant);
            return true;
        } catch (SerializationException e) {
            return false;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "feedback-thumb | Feedback | /choice | -1",
                "feedback-ranking | Feedback | /signal/order | [[0],[0]]",
                "feedback-ranking | Feedback | /signal/order | [[-1],[0]]",
                "feedback-ranking | Feedback | /signal/order | [[null],[0]]",
                "feedback-thumb | Feedback | /signal/kind | \"unheard of\"",
                "feedback-thumb | Feedback | /source | \"nobody\"",
                "interaction | Interaction | /candidate_share | 1.5",
                "interaction | Interaction | /candidate_share | \"NaN\"",
                "interaction | Interaction | /replies | [null]",
                "interaction | Interaction | /interaction_id | \" \"",
                "rated-interaction | RatedInteraction | /interaction/replies | []",
                "preference-pair | PreferencePair | /weight | -1",
                "policy-scorecard | PolicyScorecard | /exposures/0/users | -1",
                "rollout-command | RolloutCommand | /action | \"EXPLODE\"",
                "rollout-state | RolloutState | /candidate_share | 7",
                "rollout-state | RolloutState | /candidate | null",
            })
    void refusesWhatCannotBe(String name, String type, String pointer, String value)
            throws IOException, ClassNotFoundException {
        JsonNode json =
                EventJson.mapper().readTree(FIXTURES.resolve(name + ".json").toFile());
        JsonPointer at = JsonPointer.compile(pointer);
        ((ObjectNode) json.at(at.head()))
                .set(at.last().getMatchingProperty(), EventJson.mapper().readTree(value));
        assertThat(readsAs(type(type), json, json)).isFalse();
    }

    private static <E extends Event> JsonNode again(Class<E> type, byte[] bytes) throws IOException {
        EventSerde<E> serde = new EventSerde<>(type);
        E event = serde.deserializer().deserialize("topic", bytes);
        return EventJson.mapper().readTree(serde.serializer().serialize("topic", event));
    }

    @Test
    void refusesAFormItDoesNotKnow() {
        byte[] newer = "{\"schema\": 2, \"bot\": \"support\"}".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() ->
                        new EventSerde<>(RolloutState.class).deserializer().deserialize("topic", newer))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining("schema 2");
    }

    @Test
    void ignoresFieldsThatCameLater() throws IOException {
        String fixture = Files.readString(FIXTURES.resolve("rollout-command.json"));
        byte[] more = fixture.replace("{\"schema\"", "{\"later\":1,\"schema\"").getBytes(StandardCharsets.UTF_8);
        assertThat(new EventSerde<>(RolloutCommand.class)
                        .deserializer()
                        .deserialize("topic", more)
                        .who())
                .isEqualTo("ann");
    }
}
