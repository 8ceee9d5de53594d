package dev.bellwether.sdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.sdk.FakeGateway.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamingTest {
    private static final ChatRequest QUESTION = ChatRequest.of("support", "Where is my card?");
    private static final String OPENING = event("{\"id\":\"chatcmpl-1\",\"model\":\"support\",\"choices\":"
            + "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}");
    private static final String REST = text(0, "Grüße — ")
            + text(1, "Moin ☂")
            + text(0, "it is here.")
            + event("{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}")
            + event("{\"id\":\"chatcmpl-1\",\"model\":\"support\",\"choices\":[{\"index\":0,\"delta\":{},"
                    + "\"finish_reason\":\"length\"}],\"bellwether\":{\"interaction_id\":\"1\","
                    + "\"conversation_id\":\"c\",\"feedback_token\":\"token\"}}")
            + ": a comment\n\n"
            + event("{\"id\":\"chatcmpl-1\",\"model\":\"support\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
                    + "\"completion_tokens\":2,\"total_tokens\":3}}")
            + event("[DONE]");

    private final List<String> heard = new ArrayList<>();
    private FakeGateway gateway;
    private BellwetherClient client;

    @BeforeEach
    void start() throws IOException {
        gateway = FakeGateway.start();
        client = BellwetherClient.builder()
                .baseUrl(gateway.url())
                .apiKey("key")
                .timeout(Duration.ofSeconds(20))
                .retries(new Retries(
                        4,
                        Duration.ofMillis(1),
                        Duration.ofMillis(1),
                        Duration.ofMinutes(1),
                        () -> 1.0,
                        duration -> CompletableFuture.completedFuture(null)))
                .build();
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private static String event(String data) {
        return "data: " + data + "\n\n";
    }

    private static String text(int choice, String text) {
        return event(
                "{\"id\":\"chatcmpl-1\",\"model\":\"support\",\"choices\":[{\"index\":%d,\"delta\":{\"content\":\"%s\"}}]}"
                        .formatted(choice, text));
    }

    private void hear(int choice, String text) {
        heard.add(choice + text);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 7, 10_000})
    void assemblesRepliesAcrossPiecesOfAnySize(int pieceBytes) {
        gateway.answer(Answer.of(200, OPENING + REST).inPiecesOf(pieceBytes));

        ChatResponse response = client.stream(QUESTION, this::hear);

        assertThat(heard).containsExactly("0Grüße — ", "1Moin ☂", "0it is here.");
        assertThat(response.choices())
                .containsExactly(
                        new ChatResponse.Choice(0, "Grüße — it is here.", "length"),
                        new ChatResponse.Choice(1, "Moin ☂", "stop"));
        assertThat(response.duel()).isTrue();
        assertThat(response.feedbackToken()).contains("token");
        assertThat(response.usage()).contains(new ChatResponse.Usage(1, 2, 3));
        assertThat(gateway.calls().get(0).body()).contains("\"stream\":true");
    }

    @Test
    void retriesBeforeTheFirstByte() {
        gateway.answer(Answer.broken(), Answer.of(429, ""), Answer.of(200, OPENING + REST));

        ChatResponse response = client.stream(QUESTION, this::hear);

        assertThat(response.interactionId()).isEqualTo("1");
        assertThat(gateway.calls()).hasSize(3);
    }

    @Test
    void neverRetriesOnceTheReplyHasBegun() {
        gateway.answer(Answer.of(200, OPENING + text(0, "It ")).breakingOff());

        assertThatThrownBy(() -> client.stream(QUESTION, this::hear)).isInstanceOf(StreamInterruptedException.class);
        assertThat(heard).containsExactly("0It ");
        assertThat(gateway.calls()).hasSize(1);
    }

    @Test
    void saysThatAStreamEndedEarly() {
        gateway.answer(Answer.of(200, OPENING + text(0, "It ")));

        assertThatThrownBy(() -> client.stream(QUESTION, this::hear))
                .isInstanceOf(StreamInterruptedException.class)
                .hasMessage("The stream ended before the reply did.");
    }

    @Test
    void passesAFaultInMidStreamOn() {
        gateway.answer(
                Answer.of(
                        200,
                        OPENING
                                + event(
                                        "{\"error\":{\"message\":\"The reply could not be generated.\",\"code\":\"generation_failed\"}}")));

        assertThatThrownBy(() -> client.stream(QUESTION, this::hear))
                .isInstanceOfSatisfying(
                        StreamInterruptedException.class,
                        failure -> assertThat(failure.code()).isEqualTo("generation_failed"));
    }

    @Test
    void aListenerThatFailsEndsTheStream() {
        gateway.answer(Answer.of(200, OPENING + REST));

        assertThatThrownBy(() -> client.stream(QUESTION, (choice, text) -> {
                    throw new IllegalStateException("enough");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("enough");
    }
}
