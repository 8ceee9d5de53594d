package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.interactions;
import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.recorded;
import static dev.bellwether.gateway.TestGateway.records;
import static dev.bellwether.gateway.TestGateway.send;
import static dev.bellwether.gateway.TestGateway.token;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Interaction;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.feedback.FeedbackToken;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Visitors of a page, who have nothing but what the page shows to everybody, behind a proxy. */
class VisitorsIT {
    private static final String BOTS = """
            bots:
              visited:
                champion: default
                chat: {page: true, completion_tokens_max: 4, page_requests_per_minute: 3}
              roomy:
                champion: default
                chat: {page: true, completion_tokens_max: 4, page_requests_per_minute: 1000}
            """;

    private static final String UP = "{\"kind\":\"thumb\",\"value\":\"up\"}";

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(
                        directory.resolve("data"),
                        BOTS,
                        new TestGateway.Settings(
                                List.of("127.0.0.0/8"), _ -> null, "", 4L << 30, TestGateway.SPOOL_BYTES))
                .start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static HttpResponse<String> page(String bot) throws IOException, InterruptedException {
        return send("GET", gateway.open("/?bot=" + bot), "", null, "x-forwarded-for", "203.0.113.250");
    }

    private static String key(String bot) throws IOException, InterruptedException {
        return page(bot).body().replaceAll("(?s).*name=\"bellwether-key\" content=\"([^\"]+)\".*", "$1");
    }

    private static String cookie(HttpResponse<String> response) {
        return response.headers().firstValue("set-cookie").orElseThrow().split(";", 2)[0];
    }

    private static HttpResponse<String> chat(String bot, String more, String address, String... headers)
            throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("x-forwarded-for", address));
        all.addAll(List.of(headers));
        return send(
                "POST",
                gateway.open("/v1/chat/completions"),
                question(bot, more),
                key(bot),
                all.toArray(String[]::new));
    }

    private static Interaction interaction(HttpResponse<String> response) throws IOException {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return recorded(JSON.readTree(response.body()));
    }

    @Test
    void givesEachVisitorACookieThatNoScriptReads() throws IOException, InterruptedException {
        String cookie = page("roomy").headers().firstValue("set-cookie").orElseThrow();
        assertThat(cookie)
                .containsIgnoringCase("HttpOnly")
                .contains("SameSite=Lax")
                .doesNotContain("Secure");
        HttpResponse<String> encrypted = send(
                "GET", gateway.open("/"), "", null, "x-forwarded-proto", "https", "x-forwarded-for", "203.0.113.9");
        assertThat(encrypted.headers().firstValue("set-cookie").orElseThrow()).contains("Secure");
        assertThat(cookie(page("roomy"))).isNotEqualTo(cookie(page("roomy")));
    }

    @Test
    void isTheVisitorWhateverTheRequestSays() throws IOException, InterruptedException {
        JsonNode mia = gateway.chat("roomy", ",\"user\":\"mia\"");
        String hashOfMia = Optional.ofNullable(recorded(mia).userHash()).orElseThrow();
        String cookie = cookie(page("roomy"));
        Interaction first = interaction(chat("roomy", ",\"user\":\"mia\"", "203.0.113.1", "cookie", cookie));
        Interaction second = interaction(chat("roomy", ",\"user\":\"ben\"", "203.0.113.2", "cookie", cookie));
        assertThat(first.userHash()).isNotNull().isEqualTo(second.userHash()).isNotEqualTo(hashOfMia);
        for (String named : List.of("mia", "ben")) {
            JsonNode reply =
                    JSON.readTree(chat("roomy", ",\"user\":\"%s\"".formatted(named), "203.0.113.1", "cookie", cookie)
                            .body());
            assertThat(gateway.judge(TestGateway.token(reply), "{\"kind\":\"thumb\",\"value\":\"up\"}")
                            .statusCode())
                    .isEqualTo(202);
            String id = reply.at("/bellwether/interaction_id").asText();
            TestGateway.await(() -> TestGateway.records(Topics.FEEDBACK).stream()
                    .filter(vote -> vote.interactionId().equals(id))
                    .anyMatch(vote -> Objects.equals(vote.userHash(), first.userHash())));
        }
        String other = cookie(page("roomy"));
        assertThat(interaction(chat("roomy", "", "203.0.113.1", "cookie", other))
                        .userHash())
                .isNotNull()
                .isNotEqualTo(first.userHash());
        String id = cookie.substring(cookie.indexOf('=') + 1, cookie.indexOf('.'));
        assertThat(interaction(gateway.ask("roomy", ",\"user\":\"%s\"".formatted(id)))
                        .userHash())
                .as("a name space of its own")
                .isNotEqualTo(first.userHash());
    }

    @Test
    void countsNobodyWhoseIdWasNotGivenOut() throws IOException, InterruptedException {
        HttpResponse<String> stranger = chat("roomy", "", "203.0.113.3");
        assertThat(interaction(stranger).userHash()).isNull();
        String cookie = cookie(stranger);
        assertThat(interaction(chat("roomy", "", "203.0.113.3", "cookie", cookie))
                        .userHash())
                .isNotNull();
        String forged = "bellwether_visitor=" + "0".repeat(32) + "." + "0".repeat(32);
        assertThat(interaction(chat("roomy", "", "203.0.113.3", "cookie", forged))
                        .userHash())
                .isNull();
    }

    @Test
    void knowsAVisitorOfAnotherPageByATokenInAHeader() throws IOException, InterruptedException {
        HttpResponse<String> response = send("POST", gateway.open("/v1/visitors"), "", key("roomy"));
        String token = JSON.readTree(response.body()).path("visitor_token").asText();
        Interaction first = interaction(chat("roomy", "", "203.0.113.4", "x-bellwether-visitor", token));
        Interaction second = interaction(chat("roomy", "", "203.0.113.4", "x-bellwether-visitor", token));
        assertThat(first.userHash()).isNotNull().isEqualTo(second.userHash());
    }

    @Test
    void forgetsTheVisitorWhoAsks() throws IOException, InterruptedException {
        String cookie = cookie(page("roomy"));
        String hash = Optional.ofNullable(interaction(chat("roomy", "", "203.0.113.6", "cookie", cookie))
                        .userHash())
                .orElseThrow();
        String hashAtVisited = Optional.ofNullable(interaction(chat("visited", "", "203.0.113.6", "cookie", cookie))
                        .userHash())
                .orElseThrow();
        HttpResponse<String> forgotten = forget(key("roomy"), "cookie", cookie);
        assertThat(forgotten.statusCode()).as(forgotten.body()).isEqualTo(202);
        assertThat(JSON.readTree(forgotten.body()).fieldNames())
                .toIterable()
                .as("nothing of how the bot is made")
                .containsExactly("bots", "erased_by", "weights");
        assertThat(forgotten.headers().firstValue("set-cookie").orElseThrow())
                .startsWith("bellwether_visitor=;")
                .contains("Max-Age=0");
        assertThat(JSON.readTree(forgotten.body()).path("bots"))
                .as("one cookie is for the pages of all bots")
                .extracting(JsonNode::asText)
                .containsExactly("roomy", "visited");
        TestGateway.await(() -> {
            List<String> erased =
                    records(Topics.ERASURES).stream().map(Erasure::userHash).toList();
            return erased.contains(hash) && erased.contains(hashAtVisited);
        });
    }

    @Test
    void forgetsNobodyElse() throws IOException, InterruptedException {
        assertThat(forget(key("roomy"), "cookie", "bellwether_visitor=" + "0".repeat(32) + "." + "0".repeat(32)))
                .returns(404, HttpResponse::statusCode);
        assertThat(forget(gateway.key(), "cookie", cookie(page("roomy")))).returns(403, HttpResponse::statusCode);
        assertThat(forget(null, "cookie", cookie(page("roomy")))).returns(401, HttpResponse::statusCode);
    }

    private static HttpResponse<String> forget(@Nullable String key, String... headers)
            throws IOException, InterruptedException {
        return send("DELETE", gateway.open("/v1/visitors"), "", key, headers);
    }

    @Test
    void limitsEachVisitorBehindAProxyForItself() throws IOException, InterruptedException {
        for (int visitor = 1; visitor <= 70; visitor++) {
            String address = "198.51.100.%d".formatted(visitor);
            assertThat(chat("visited", "", "10.9.9.9, " + address).statusCode())
                    .as(address)
                    .isEqualTo(200);
        }
        List<Integer> statuses = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            statuses.add(chat("visited", "", "192.0.2.%d, 198.51.100.200".formatted(i))
                    .statusCode());
        }
        assertThat(statuses)
                .as("what a visitor claims of itself is not believed")
                .contains(429);
    }

    @Test
    void sharesTheLimitOfAnAddressWithoutAProxy() throws IOException, InterruptedException {
        try (TestGateway bare =
                new TestGateway(directory.resolve("bare"), BOTS, TestGateway.Settings.DEFAULT).start()) {
            String key = send("GET", bare.open("/?bot=visited"), "", null)
                    .body()
                    .replaceAll("(?s).*name=\"bellwether-key\" content=\"([^\"]+)\".*", "$1");
            List<Integer> statuses = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                statuses.add(send(
                                "POST",
                                bare.open("/v1/chat/completions"),
                                question("visited", ""),
                                key,
                                "x-forwarded-for",
                                "198.51.100.%d".formatted(i))
                        .statusCode());
            }
            assertThat(statuses).contains(429);
        }
    }

    @Test
    void rotatesKeysOneGatewayAtATime() throws IOException, InterruptedException {
        Path two = directory.resolve("two");
        try (TestGateway other = new TestGateway(two, BOTS, TestGateway.Settings.DEFAULT)) {
            Files.copy(
                    gateway.folder().tokenKeys(),
                    other.folder().tokenKeys(),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            other.start();
            List<TestGateway> both = List.of(gateway, other);
            String before = Files.readString(other.folder().tokenKeys());
            String old = before.substring(before.indexOf("  - kid: k1"), before.indexOf("hash_key"));
            String hash = before.substring(before.indexOf("hash_key"));
            String fresh = "  - {kid: k2, key: %s}\n".formatted("q".repeat(43) + "=");
            TokenKeys signsWithFresh = new TokenKeys.Reader().parse("token_keys:\n" + fresh + hash);
            String ofFresh =
                    new FeedbackToken.Sealer(() -> signsWithFresh, Clock.systemUTC()).seal("i1", "roomy", null, 1);
            List<String> judged = crossJudged(both);
            for (TestGateway each : both) {
                Files.writeString(each.folder().tokenKeys(), "token_keys:\n" + old + fresh + hash);
                TestGateway.await(() -> each.judge(ofFresh, UP).statusCode() == 202);
                judged.addAll(crossJudged(both));
            }
            for (TestGateway each : both) {
                Files.writeString(each.folder().tokenKeys(), "token_keys:\n" + fresh + old + hash);
                TestGateway.await(
                        () -> kid(token(JSON.readTree(ask(each).body()))).equals("k2"));
                judged.addAll(crossJudged(both));
            }
            TestGateway.await(() -> interactions(judged).size() == judged.size());
            assertThat(interactions(judged)).extracting(Interaction::userHash).doesNotContainNull();
            assertThat(interactions(judged).stream().map(Interaction::userHash).distinct())
                    .hasSize(1);
        }
    }

    private static HttpResponse<String> ask(TestGateway gateway) throws IOException, InterruptedException {
        return send(
                "POST", gateway.open("/v1/chat/completions"), question("roomy", ",\"user\":\"mia\""), gateway.key());
    }

    /** The name of the key that a token was made with. */
    private static String kid(String token) throws IOException {
        return JSON.readTree(Base64.getUrlDecoder().decode(token.substring(0, token.indexOf('.'))))
                .path("kid")
                .asText();
    }

    /** Judges each gateway's reply to mia at the other one; gives the interactions. */
    private static List<String> crossJudged(List<TestGateway> both) throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < both.size(); i++) {
            HttpResponse<String> reply = ask(both.get(i));
            assertThat(reply.statusCode()).isEqualTo(200);
            JsonNode json = JSON.readTree(reply.body());
            assertThat(both.get(1 - i).judge(token(json), UP).statusCode()).isEqualTo(202);
            ids.add(json.path("bellwether").path("interaction_id").asText());
        }
        return ids;
    }
}
