package dev.bellwether.sdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.bellwether.sdk.FakeGateway.Answer;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BellwetherClientTest {
    private static final String COMPLETION = """
            {"id":"chatcmpl-1","model":"support","choices":[{"index":0,"message":{"role":"assistant","content":"It comes on Monday."},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12},
            "bellwether":{"interaction_id":"1","conversation_id":"c","feedback_token":"token"}}""";
    private static final ChatRequest QUESTION = ChatRequest.of("support", "Where is my card?");

    private final List<Duration> pauses = new CopyOnWriteArrayList<>();
    private FakeGateway gateway;
    private BellwetherClient client;

    @BeforeEach
    void start() throws IOException {
        gateway = FakeGateway.start();
        client = client().build();
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private BellwetherClient.Builder client() {
        Retries retries = new Retries(
                4, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofMinutes(1), () -> 1.0, duration -> {
                    pauses.add(duration);
                    return CompletableFuture.completedFuture(null);
                });
        return BellwetherClient.builder()
                .baseUrl(gateway.url() + "/")
                .apiKey("key")
                .timeout(Duration.ofSeconds(20))
                .retries(retries)
                .clock(Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC));
    }

    @Test
    void readsReplyAndToken() {
        gateway.answer(Answer.of(200, COMPLETION));

        ChatResponse response = client.chat(QUESTION);

        assertThat(response.text()).isEqualTo("It comes on Monday.");
        assertThat(response.feedbackToken()).contains("token");
        assertThat(response.conversationId()).isEqualTo("c");
        assertThat(response.usage()).contains(new ChatResponse.Usage(7, 5, 12));
        assertThat(gateway.calls().get(0).header("authorization")).isEqualTo("Bearer key");
        assertThat(gateway.calls().get(0).path()).isEqualTo("/v1/chat/completions");
    }

    @Test
    void sendsWhatTheRequestHolds() {
        gateway.answer(Answer.of(200, COMPLETION));

        client.chat(ChatRequest.builder("support")
                .message(Message.user("Hello"))
                .user("anna")
                .conversationId("c")
                .duel(Duel.AUTO)
                .attributes(Map.of("language", "en"))
                .temperature(0.5)
                .build());

        assertThat(gateway.calls().get(0).body())
                .isEqualTo("{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],"
                        + "\"user\":\"anna\",\"temperature\":0.5,\"bellwether\":{\"conversation_id\":\"c\","
                        + "\"duel\":\"auto\",\"attributes\":{\"language\":\"en\"}}}");
    }

    @Test
    void retriesKeepTheIdempotencyKey() {
        gateway.answer(
                Answer.broken(),
                Answer.of(503, ""),
                Answer.of(202, "{\"feedback_id\":\"1.a\"}").header("Idempotent-Replayed", "true"));

        FeedbackReceipt receipt = client.submit("token", Feedback.Thumb.up());

        assertThat(receipt).isEqualTo(new FeedbackReceipt("1.a", true));
        assertThat(gateway.calls()).hasSize(3);
        assertThat(gateway.calls().stream().map(call -> call.header("idempotency-key")))
                .allMatch(key -> !key.isEmpty())
                .containsOnly(gateway.calls().get(0).header("idempotency-key"));
        assertThat(gateway.calls().get(2).header("authorization")).isEqualTo("Bearer token");
        assertThat(pauses).containsExactly(Duration.ofMillis(100), Duration.ofMillis(200));
    }

    @Test
    void judgementsHaveDifferentKeys() {
        gateway.answer(Answer.of(202, "{\"feedback_id\":\"1.a\"}"), Answer.of(202, "{\"feedback_id\":\"1.b\"}"));

        client.submit("token", Feedback.Thumb.up());
        client.submit("token", Feedback.Thumb.down());

        assertThat(gateway.calls().get(0).header("idempotency-key"))
                .isNotEqualTo(gateway.calls().get(1).header("idempotency-key"));
    }

    @Test
    void waitsAsLongAsTheServiceAsks() {
        gateway.answer(
                Answer.of(429, "").header("Retry-After", "7"),
                Answer.of(503, "").header("Retry-After", "Thu, 1 Jan 2026 00:00:30 GMT"),
                Answer.of(200, COMPLETION));

        client.chat(QUESTION);

        assertThat(pauses).containsExactly(Duration.ofMillis(7_100), Duration.ofMillis(30_200));
    }

    @Test
    void doesNotWaitLongerThanItsBound() {
        gateway.answer(Answer.of(429, "").header("Retry-After", "3600"));

        assertThatThrownBy(() -> client.chat(QUESTION)).isInstanceOf(RateLimitException.class);
        assertThat(pauses).isEmpty();
    }

    @Test
    void givesUpAfterTheLastRetry() {
        for (int i = 0; i < 5; i++) {
            gateway.answer(Answer.of(500, ""));
        }

        assertThatThrownBy(() -> client.chat(QUESTION)).isInstanceOf(ServerException.class);
        assertThat(gateway.calls()).hasSize(5);
        assertThat(pauses)
                .containsExactly(
                        Duration.ofMillis(100), Duration.ofMillis(200), Duration.ofMillis(400), Duration.ofMillis(800));
    }

    @ParameterizedTest
    @CsvSource({
        "400, BadRequestException",
        "401, AuthenticationException",
        "403, PermissionDeniedException",
        "404, NotFoundException",
        "409, ConflictException",
        "410, GoneException",
        "413, ContentTooLargeException",
        "415, UnsupportedMediaTypeException",
        "418, BellwetherException",
        "422, UnprocessableContentException",
    })
    void namesTheStatusAndDoesNotRetry(int status, String name) {
        gateway.answer(Answer.of(status, "{\"status\":%d,\"code\":\"why\",\"detail\":\"Because.\"}".formatted(status)));

        BellwetherException failure =
                catchThrowableOfType(BellwetherException.class, () -> client.submit("token", Feedback.Rating.of(9)));

        assertThat(failure.getClass().getSimpleName()).isEqualTo(name);
        assertThat(failure.status()).isEqualTo(status);
        assertThat(failure.code()).isEqualTo("why");
        assertThat(failure).hasMessage("Because.");
        assertThat(gateway.calls()).hasSize(1);
    }

    @Test
    void readsErrorsOfOpenAiShape() {
        gateway.answer(Answer.of(
                        404,
                        "{\"error\":{\"message\":\"The bot 'x' does not exist.\",\"type\":\"invalid_request_error\","
                                + "\"param\":\"model\",\"code\":\"model_not_found\"}}")
                .header("x-request-id", "r"));

        NotFoundException failure = catchThrowableOfType(NotFoundException.class, () -> client.chat(QUESTION));

        assertThat(failure.code()).isEqualTo("model_not_found");
        assertThat(failure.field()).contains("model");
        assertThat(failure.requestId()).contains("r");
    }

    @Test
    void saysThatNobodyAnswers() {
        gateway.close();

        assertThatThrownBy(() -> client().retriesMax(1).build().chat(QUESTION))
                .isInstanceOf(ConnectionException.class)
                .hasMessageStartingWith("No response came: ");
        assertThat(pauses).hasSize(1);
    }

    @Test
    void withdrawsWithTheToken() {
        gateway.answer(Answer.of(202, "{\"feedback_id\":\"1.a\"}"));

        client.withdraw("token", "1.a");

        assertThat(gateway.calls().get(0).method()).isEqualTo("DELETE");
        assertThat(gateway.calls().get(0).path()).isEqualTo("/v1/feedback/1.a");
        assertThat(gateway.calls().get(0).header("authorization")).isEqualTo("Bearer token");
        assertThat(gateway.calls().get(0).header("x-bellwether-key")).isEmpty();
    }

    @Test
    void reviewersSendTheirKeyBesideTheToken() {
        gateway.answer(Answer.of(202, "{\"feedback_id\":\"1.a\"}"));

        client().keyBesideFeedback(true).build().submit("token", Feedback.Thumb.up());

        assertThat(gateway.calls().get(0).header("x-bellwether-key")).isEqualTo("key");
    }

    @Test
    void listsBots() {
        gateway.answer(Answer.of(200, "{\"object\":\"list\",\"data\":[{\"id\":\"support\"},{\"id\":\"travel\"}]}"));

        assertThat(client.bots()).containsExactly("support", "travel");
    }

    @Test
    void refusesAnAddressThatIsNone() {
        assertThatThrownBy(() -> BellwetherClient.builder().baseUrl("localhost"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'localhost' is not an http or https address");
    }

    @Test
    void asksAndJudges() {
        gateway.answer(Answer.of(200, COMPLETION), Answer.of(202, "{\"feedback_id\":\"1.a\"}"));
        List<String> printed = new ArrayList<>();

        ChatResponse response = client.chat(ChatRequest.builder("support")
                .message(Message.user("Where is my card?"))
                .user("customer-17")
                .build());
        printed.add(response.text());
        response.feedbackToken().ifPresent(token -> client.submit(token, Feedback.Thumb.up()));

        assertThat(printed).containsExactly("It comes on Monday.");
        assertThat(gateway.calls().get(1).body()).isEqualTo("{\"kind\":\"thumb\",\"value\":\"up\",\"choice\":0}");
    }
}
