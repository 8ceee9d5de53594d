package dev.bellwether.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.topic.EventSerde;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Records that were written once must be read for ever: fixtures are added, never edited. */
class GoldenFixturesTest {
    private static final Path FIXTURES = Path.of("src/test/resources/event/v1");

    @ParameterizedTest
    @CsvSource({
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
        "rollout-transition, RolloutTransition",
        "refresh-progress, RefreshProgress",
        "rated-interaction, RatedInteraction",
        "refresh-request, RefreshRequest",
        "erasure, Erasure",
        "dead-letter, DeadLetter"
    })
    void readsAndWritesTheFixture(String name, String type) throws IOException, ClassNotFoundException {
        byte[] fixture = Files.readAllBytes(FIXTURES.resolve(name + ".json"));
        assertThat(again(Class.forName("dev.bellwether.event." + type).asSubclass(Event.class), fixture))
                .isEqualTo(EventJson.mapper().readTree(fixture));
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
