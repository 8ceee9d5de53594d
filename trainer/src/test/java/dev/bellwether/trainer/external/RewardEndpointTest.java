package dev.bellwether.trainer.external;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.trainer.external.RewardEndpoint.Query;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a command that trains may ask, and what it is told when it asks wrongly. */
class RewardEndpointTest {
    private static final ExternalConfig LOCAL =
            new ExternalConfig(List.of("true"), Duration.ofMinutes(1), Duration.ofMinutes(1));

    private final HttpClient http = HttpClient.newHttpClient();
    private final List<Query> asked = new ArrayList<>();
    private RewardEndpoint endpoint;

    @BeforeEach
    void open() throws IOException {
        endpoint = new RewardEndpoint(LOCAL, queries -> {
            asked.addAll(queries);
            if (queries.stream().anyMatch(query -> query.prompt() > 1)) {
                throw new IllegalArgumentException("there is no prompt 2; the last is 1");
            }
            return queries.stream().map(query -> query.reply().length() / 2.0).toList();
        });
    }

    @AfterEach
    void close() {
        endpoint.close();
        http.close();
    }

    private HttpResponse<String> send(String url, String method, String body) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(url))
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void givesEachReplyItsRewardWithWhatStandsBeforeItTakenOff() throws Exception {
        String body = """
                {"query": ["ask: yes", "no"], "prompts": ["ask: ", "another"], "labels": ["0", 1]}""";
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> answer = send(endpoint.url(), "POST", body);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("{\"rewards\":[1.5,1.0]}");
        }
        assertThat(asked).contains(new Query(0, "yes"), new Query(1, "no"));
    }

    @Test
    void saysHowItIsReachedFromElsewhere() throws IOException {
        ExternalConfig ray = new ExternalConfig(
                List.of("true"),
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                "0.0.0.0:0",
                "https://trainer.example/reward");
        try (RewardEndpoint elsewhere = new RewardEndpoint(ray, _ -> List.of())) {
            assertThat(elsewhere.url()).startsWith("https://trainer.example/reward?token=");
        }
        assertThatThrownBy(() -> new ExternalConfig(
                        List.of("true"), Duration.ofMinutes(1), Duration.ofMinutes(1), "everywhere", null))
                .hasMessageContaining("as 0.0.0.0:8090");
    }

    @Test
    void isNotClosedBeforeWhatIsScoredIsOver() throws Exception {
        CountDownLatch scoring = new CountDownLatch(1);
        AtomicBoolean over = new AtomicBoolean();
        RewardEndpoint slow = new RewardEndpoint(LOCAL, queries -> {
            scoring.countDown();
            LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
            over.set(true);
            return List.of(1.0);
        });
        var _ = http.sendAsync(
                HttpRequest.newBuilder(URI.create(slow.url()))
                        .POST(BodyPublishers.ofString("{\"query\": [\"yes\"], \"labels\": [\"0\"]}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        scoring.await();
        slow.close();
        assertThat(over).isTrue();
    }

    @Test
    void answersOnlyThoseWhoKnowTheToken() throws Exception {
        String address = endpoint.url().substring(0, endpoint.url().indexOf('?'));
        String token = endpoint.url().substring(endpoint.url().indexOf("token=") + "token=".length());
        for (String query : List.of("", "?token=", "?token=" + "0".repeat(token.length()), "?x=" + token)) {
            assertThat(send(address + query, "POST", "{}").statusCode()).isEqualTo(401);
        }
        HttpRequest bearer = HttpRequest.newBuilder(URI.create(address))
                .header("authorization", "Bearer " + token)
                .POST(BodyPublishers.ofString("{\"query\": [], \"labels\": []}"))
                .build();
        assertThat(http.send(bearer, HttpResponse.BodyHandlers.ofString()).body())
                .isEqualTo("{\"rewards\":[]}");
        assertThat(send(endpoint.url(), "GET", "").statusCode()).isEqualTo(405);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"query": ["a"]}                       | 422 | as many
            {"query": "a", "labels": "0"}          | 422 | as many
            {"query": ["a", "b"], "labels": ["0"]} | 422 | as many
            {"query": [7], "labels": ["0"]}        | 422 | query 0
            {"query": ["a"], "labels": ["first"]}  | 422 | 'first'
            {"query": ["a"], "labels": ["-1"]}     | 422 | '-1'
            {"query": ["a"], "labels": ["2"]}      | 422 | no prompt 2
            {"query": ["a"                         | 400 | no JSON
            """)
    void saysWhatIsWrong(String body, int status, String words) throws Exception {
        HttpResponse<String> answer = send(endpoint.url(), "POST", body);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.body()).contains(words);
    }

    @Test
    void refusesABodyWithoutBound() throws Exception {
        assertThat(send(endpoint.url(), "POST", " ".repeat((16 << 20) + 1)).statusCode())
                .isEqualTo(413);
    }
}
