package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.events;
import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that few people write, addresses that many mistype, and what browsers send by themselves. */
class OddRequestsIT {
    private static final String UP = "{\"kind\":\"thumb\",\"value\":\"up\"}";
    private static final String SHOP = "https://shop.example";

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  odd:
                    champion: default
                    chat: {completion_tokens_max: 6, origins: ["https://shop.example"]}
                """, TestGateway.Settings.DEFAULT).start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static String asking(String escaped, String more) {
        return "{\"model\":\"odd\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}".formatted(escaped, more);
    }

    private static HttpResponse<String> chat(String body) throws IOException, InterruptedException {
        return send("POST", gateway.open("/v1/chat/completions"), body, gateway.key());
    }

    /** What one reader can write the next one must be able to read: each is answered, streamed or not, and can be judged. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Half a smile \\ud83d here",
                "\\ude00 the other half",
                "the wrong way \\ude00\\ud83d round",
                "a\\u0000b",
                "\\u0001\\u0008\\u001b[31mred",
                "\\u202eturned\\u202c",
                "\\ufeffmarked",
                "\\uffff\\ufffe no characters",
                "one\\u2028two\\u2029three",
                "\\ud83d\\udc69\\u200d\\ud83d\\ude80 e\\u0301 \\ud83c\\udde9\\ud83c\\uddea"
            })
    void repliesToOddTextAlikeStreamedOrNot(String escaped) throws IOException, InterruptedException {
        HttpResponse<String> plain = chat(asking(escaped, ""));
        assertThat(plain.statusCode()).as(plain.body()).isEqualTo(200);
        HttpResponse<String> stream = chat(asking(escaped, ",\"stream\":true"));
        assertThat(stream.statusCode()).isEqualTo(200);
        assertThat(stream.body()).endsWith("data: [DONE]\n\n").doesNotContain("\"error\"");
        for (JsonNode reply : new JsonNode[] {
            JSON.readTree(plain.body()), events(stream.body()).getLast()
        }) {
            assertThat(gateway.judge(token(reply), UP).statusCode()).isEqualTo(202);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",\"stop\":\"\\ud83d\"",
                ",\"metadata\":{\"a\":\"\\ud83d\"}",
                ",\"bellwether\":{\"conversation_id\":\"\\ud83d\"}",
                ",\"user\":\"\\ud83d\""
            })
    void takesHalfACharacterInOtherFieldsOrSaysWhichItIs(String more) throws IOException, InterruptedException {
        HttpResponse<String> response = chat(asking("Where is my card?", more));
        assertThat(response.statusCode()).as(response.body()).isIn(200, 400);
        if (response.statusCode() == 400) {
            assertThat(JSON.readTree(response.body()).at("/error/param").asText())
                    .isNotBlank();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/chat/completions/,200",
        "//v1/chat/completions,200",
        "/v1/responses,404",
        "/v1/chat/completions?api-version=2024-10-21,200"
    })
    void answersMistypedAddressesInJson(String path, int status) throws IOException, InterruptedException {
        HttpResponse<String> response = send("POST", gateway.open(path), question("odd", ""), gateway.key());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("content-type").orElse("")).startsWith("application/json");
        if (status == 404) {
            assertThat(JSON.readTree(response.body()).at("/error/message").asText())
                    .isNotBlank();
        }
    }

    @Test
    void knowsNoBotByAProvidersPrefix() throws IOException, InterruptedException {
        HttpResponse<String> response = gateway.ask("openai/odd", "");
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(JSON.readTree(response.body()).at("/error/code").asText()).isEqualTo("model_not_found");
    }

    @Test
    void tellsBrowsersOfAnAllowedPageWhatTheyMaySend() throws IOException, InterruptedException {
        HttpResponse<String> allowed = preflight(SHOP);
        assertThat(allowed.statusCode()).isIn(200, 204);
        assertThat(allowed.headers().firstValue("access-control-allow-origin")).hasValue(SHOP);
        assertThat(allowed.headers().firstValue("access-control-allow-methods").orElse(""))
                .contains("DELETE");
        assertThat(preflight("https://thief.example").headers().firstValue("access-control-allow-origin"))
                .isEmpty();
    }

    private static HttpResponse<String> preflight(String origin) throws IOException, InterruptedException {
        return send(
                "OPTIONS",
                gateway.open("/v1/feedback/some-id"),
                "",
                null,
                "origin",
                origin,
                "access-control-request-method",
                "DELETE");
    }

    /** As a browser's beacon comes when a page is left. */
    @Test
    void refusesJudgementsThatComeAsPlainTextWithoutAKey() throws IOException, InterruptedException {
        HttpResponse<String> response = send(
                "POST",
                gateway.open("/v1/feedback"),
                "{\"kind\":\"signal\",\"name\":\"abandoned\"}",
                null,
                "origin",
                SHOP,
                "content-type",
                "text/plain;charset=UTF-8");
        assertThat(response.statusCode()).isIn(401, 415);
        assertThat(response.headers().firstValue("access-control-allow-origin"))
                .as("the page can read why")
                .hasValue(SHOP);
    }
}
