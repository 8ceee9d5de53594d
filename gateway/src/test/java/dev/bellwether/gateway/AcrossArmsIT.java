package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.JSON;
import static dev.bellwether.gateway.TestGateway.await;
import static dev.bellwether.gateway.TestGateway.events;
import static dev.bellwether.gateway.TestGateway.interactions;
import static dev.bellwether.gateway.TestGateway.recorded;
import static dev.bellwether.gateway.TestGateway.records;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Arm;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Duels while a candidate is tried, each version somebody else's service. */
class AcrossArmsIT {
    private static final String DUEL = ",\"user\":\"user-%d\",\"bellwether\":{\"duel\":\"always\"}%s";
    private static final int USERS = 24;

    /** Of each bot, what the candidate's model does. */
    private static final Map<String, String> CANDIDATES =
            Map.of("tried", "other", "streamed", "good", "begun", "other", "ill", "broken", "slow", "stall");

    @TempDir
    private static Path directory = Path.of("");

    private static ScriptedUpstream service;
    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        service = new ScriptedUpstream();
        gateway = new TestGateway(
                directory.resolve("data"),
                "bots:\n"
                        + String.join(
                                "",
                                CANDIDATES.keySet().stream()
                                        .map("  %s: {champion: v1}\n"::formatted)
                                        .toList()),
                TestGateway.Settings.DEFAULT);
        String limits = ",\"limits\":{\"retries\":0,\"first_token\":\"PT0.4S\",\"reply\":\"PT0.4S\"}";
        for (Map.Entry<String, String> each : CANDIDATES.entrySet()) {
            gateway.upstream(each.getKey(), "v1", service.version("good", limits));
            gateway.upstream(each.getKey(), "v2", service.version(each.getValue(), limits));
        }
        gateway.start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
        service.close();
    }

    /** What the stream would say of a rollout of {@code v2} at {@code share}. */
    private static void tryCandidate(String bot, double share) {
        RolloutState state = RolloutState.idle(bot, "v1")
                .change()
                .revision(7)
                .candidate("v2")
                .experiment("v2-1-1000000000000")
                .phase(Phase.CANARY)
                .candidateShare(share)
                .build();
        try (KafkaProducer<String, RolloutState> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", Backing.kafka()),
                new StringSerializer(),
                Topics.ROLLOUT_STATE.valueSerde().serializer())) {
            var _ = producer.send(new ProducerRecord<>(Topics.ROLLOUT_STATE.name(), bot, state));
        }
        AtomicInteger user = new AtomicInteger();
        await(() -> {
            HttpResponse<String> reply = gateway.ask(bot, ",\"user\":\"first-%d\"".formatted(user.incrementAndGet()));
            return reply.statusCode() == 200
                    && recorded(JSON.readTree(reply.body())).candidateShare() == share;
        });
    }

    private static List<String> versions(Interaction interaction) {
        return interaction.replies().stream().map(Reply::version).toList();
    }

    /** What so many users get, those left out whom their own arm fails. */
    private static List<Interaction> duels(String bot) throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        for (int user = 0; user < USERS; user++) {
            HttpResponse<String> response = gateway.ask(bot, DUEL.formatted(user, ""));
            if (response.statusCode() == 200) {
                JsonNode reply = JSON.readTree(response.body());
                assertThat(reply.path("choices"))
                        .extracting(choice -> choice.path("index").asInt())
                        .containsExactly(0, 1);
                ids.add(reply.at("/bellwether/interaction_id").asText());
            }
        }
        await(() -> interactions(ids).size() == ids.size());
        return interactions(ids);
    }

    @Test
    void showsHalfOfTheUsersAReplyOfEachArmOnEitherSide() throws IOException, InterruptedException {
        tryCandidate("tried", .5);
        Set<List<String>> seen = new HashSet<>();
        Set<Arm> arms = new HashSet<>();
        List<Interaction> duels = duels("tried");
        assertThat(duels).hasSize(USERS);
        for (Interaction duel : duels) {
            for (Reply reply : duel.replies()) {
                assertThat(reply.text().startsWith(ScriptedUpstream.TEXT))
                        .as("%s", reply)
                        .isEqualTo(reply.version().equals("v1"));
            }
            assertThat(Objects.requireNonNull(duel.answer()).failures()).isEmpty();
            assertThat(duel.rivalFailed()).isFalse();
            if (duel.acrossArms()) {
                seen.add(versions(duel));
                arms.add(duel.arm());
            }
        }
        assertThat(duels).filteredOn(Interaction::acrossArms).hasSizeBetween(USERS / 4, 3 * USERS / 4);
        assertThat(seen).containsExactlyInAnyOrder(List.of("v1", "v2"), List.of("v2", "v1"));
        assertThat(arms).containsExactlyInAnyOrder(Arm.CHAMPION, Arm.CANDIDATE);
    }

    @Test
    void streamsBothSides() throws IOException, InterruptedException {
        tryCandidate("streamed", .5);
        List<String> rivals = new ArrayList<>();
        for (int user = 0; rivals.isEmpty(); user++) {
            String streamed = gateway.ask("streamed", DUEL.formatted(user, ",\"stream\":true"))
                    .body();
            StringBuilder[] texts = {new StringBuilder(), new StringBuilder()};
            String id = "";
            for (JsonNode event : events(streamed)) {
                id = event.at("/bellwether/interaction_id").asText(id);
                for (JsonNode choice : event.path("choices")) {
                    texts[choice.path("index").asInt()].append(
                            choice.at("/delta/content").asText(""));
                }
            }
            // The stand-in streams one reply, whatever it is asked for, so both come where there are two that reply.
            if (!texts[1].isEmpty()) {
                assertThat(texts).extracting(StringBuilder::toString).containsOnly(ScriptedUpstream.TEXT);
                rivals.add(id);
            }
        }
        await(() -> records(Topics.INTERACTIONS).stream()
                .anyMatch(each -> rivals.contains(each.interactionId()) && each.acrossArms()));
    }

    @Test
    void staysWithinTheArmWhileFewUsersHaveTheCandidate() throws IOException, InterruptedException {
        tryCandidate("begun", .2);
        assertThat(duels("begun")).hasSize(USERS).noneMatch(Interaction::acrossArms);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ill", "slow"})
    void givesBothRepliesOfTheUsersOwnArmWhereTheRivalFails(String bot) throws IOException, InterruptedException {
        tryCandidate(bot, .5);
        List<Interaction> answered = duels(bot);
        assertThat(answered).isNotEmpty().allSatisfy(interaction -> {
            assertThat(interaction.arm()).isEqualTo(Arm.CHAMPION);
            assertThat(versions(interaction)).containsExactly("v1", "v1");
            assertThat(interaction.fallback()).as("the champion did not fail").isFalse();
        });
        assertThat(answered)
                .filteredOn(Interaction::rivalFailed)
                .isNotEmpty()
                .allSatisfy(interaction -> assertThat(
                                Objects.requireNonNull(Objects.requireNonNull(interaction.answer())
                                                .rival())
                                        .version())
                        .isEqualTo("v2"));
    }
}
