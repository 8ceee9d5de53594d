package dev.bellwether.simulation.customer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.bellwether.sdk.AuthenticationException;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Rule;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrowdTest {
    private static final List<Question> QUESTIONS = List.of(new Question("Where?", "card"));
    private static final Satisfaction SATISFACTION =
            new Satisfaction(new Taste(0.5, 0.1, 0.5, List.of(new Rule.Always(0))), new Facts(Map.of()), 0);

    private static final Pattern USER = Pattern.compile("\"user\":\"[^\"]+\"");

    private final Ledger ledger = new Ledger();

    private Crowd crowd(Bot bot, long interactions) {
        return new Crowd(bot, QUESTIONS, SATISFACTION, ledger, CrowdConfig.of(interactions, 8, 3));
    }

    @Test
    void goesHomeAfterTheLastInteraction() throws InterruptedException {
        Crowd.Outcome outcome = crowd(FakeBot.saying("Here."), 500).run(() -> false);

        assertThat(outcome.interactions()).isEqualTo(500);
        assertThat(ledger.interactions()).hasSize(500);
        assertThat(ledger.feedback()).isBetween(180L, 320L);
        assertThat(ledger.failures()).isEmpty();
        assertThat(outcome.gone()).isFalse();
    }

    /** In a second run as in the first. */
    @ParameterizedTest
    @CsvSource({"20, true", "0, false"})
    void isOfTheSamePeopleWhereTheyComeAgain(int people, boolean same) throws InterruptedException {
        Population population = new Population(people, 0, 0, 0, false);
        List<Set<String>> users = new ArrayList<>();
        long conversations = 0;
        for (int run = 0; run < 2; run++) {
            FakeBot bot = FakeBot.saying("Here.");
            CrowdConfig config = new CrowdConfig(400, 8, 3, conversations, population, false);
            conversations = new Crowd(bot, QUESTIONS, SATISFACTION, ledger, config)
                    .run(() -> false)
                    .conversations();
            users.add(bot.requests().stream()
                    .flatMap(request -> USER.matcher(request).results())
                    .map(MatchResult::group)
                    .collect(Collectors.toSet()));
        }
        if (same) {
            assertThat(users.getFirst()).hasSize(people).isEqualTo(users.getLast());
        } else {
            assertThat(users.getFirst()).isNotEmpty().doesNotContainAnyElementsOf(users.getLast());
        }
    }

    @Test
    void stopsWhenTold() throws InterruptedException {
        AtomicInteger asked = new AtomicInteger();

        Crowd.Outcome outcome = crowd(FakeBot.saying("Here."), 1_000_000).run(() -> asked.incrementAndGet() > 1_000);

        assertThat(outcome.interactions()).isLessThan(1_000);
    }

    @Test
    void countsFailuresAndGoesOn() throws Exception {
        HttpServer server = failing(503);
        try {
            Crowd.Outcome outcome = crowd(Bot.of(client(server), "support"), 20).run(() -> false);

            assertThat(outcome.interactions()).isZero();
            assertThat(ledger.failures()).isEqualTo(Map.of("chat: http_503", 20L));
        } finally {
            server.stop(0);
        }
    }

    @Test
    void goesHomeWhenNothingAnswersAnyMore() throws Exception {
        HttpServer server = failing(503);
        BellwetherClient client = client(server);
        server.stop(0);

        Crowd.Outcome outcome = crowd(Bot.of(client, "support"), 1_000_000).run(() -> false);

        assertThat(outcome.gone()).isTrue();
        assertThat(outcome.interactions()).isZero();
        assertThat(ledger.failures()).containsOnlyKeys("chat: no_response");
    }

    @Test
    void givesUpWhenTheKeyIsRefused() throws IOException {
        HttpServer server = failing(401);
        try {
            assertThatThrownBy(() ->
                            crowd(Bot.of(client(server), "support"), 1_000_000).run(() -> false))
                    .isInstanceOf(AuthenticationException.class);
        } finally {
            server.stop(0);
        }
    }

    private static BellwetherClient client(HttpServer server) {
        return BellwetherClient.builder()
                .baseUrl("http://127.0.0.1:" + server.getAddress().getPort())
                .apiKey("key")
                .retriesMax(0)
                .build();
    }

    private static HttpServer failing(int status) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        return server;
    }
}
