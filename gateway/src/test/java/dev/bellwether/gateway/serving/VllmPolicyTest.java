package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.bellwether.gateway.bots.ServingConfig;
import dev.bellwether.gateway.http.Deadline;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.Turn;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions on a vLLM server, which a stand-in takes the place of. */
class VllmPolicyTest {
    private static final Path BASE = Path.of("../policy/src/test/resources/reference/llama-tied");
    private static final Path ADAPTER = Path.of("../trainer/src/test/resources/reference/adapter");
    private static final String GOLDEN =
            "{\"prompt\":[4,5,6],\"reply\":[7,8],\"log_probabilities\":[-1.5,-2.5],\"tolerance\":0.01}";

    @TempDir
    private Path root = Path.of("");

    private final Vertx vertx = Vertx.vertx();
    private VllmStandIn server;
    private PolicyCatalog catalog;

    @BeforeEach
    void start() throws IOException {
        server = new VllmStandIn();
        server.finds(-1.52, -2.48);
        PolicyStore store = new PolicyStore(root);
        store.publish(
                ArtefactLabel.added("desk", "base", ArtefactKind.CHECKPOINT, Instant.EPOCH),
                target -> fill(target, BASE));
        store.publish(
                new ArtefactLabel("desk", "taught", ArtefactKind.ADAPTER, "base", "base", Instant.EPOCH, null, null),
                target -> {
                    fill(target, ADAPTER);
                    Files.copy(BASE.resolve("config.json"), target.resolve("config.json"));
                });
        ServingConfig serving = new YAMLMapper()
                .readValue(
                        "{record_tokens: true, vllm: {url: '%s', model: %s, limits: {retries: 0}}}"
                                .formatted(server.url(), VllmStandIn.BASE),
                        ServingConfig.class);
        Upstreams upstreams = new Upstreams(vertx, new SimpleMeterRegistry(), new UpstreamKeys(_ -> null), false);
        catalog = new PolicyCatalog(store, _ -> serving, 1 << 20, upstreams);
    }

    private static void fill(Path target, Path source) throws IOException {
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
        Files.writeString(target.resolve("golden.jsonl"), GOLDEN + "\n");
    }

    @AfterEach
    void stop() {
        catalog.close();
        server.close();
        vertx.close().await();
    }

    /** All that came of a reply. */
    private record Heard(
            List<String> pieces,
            List<ObjectNode> besides,
            List<GeneratedReply> replies,
            @Nullable Exception failure) {}

    private CompletableFuture<Heard> ask(String version, boolean stream) {
        CompletableFuture<Heard> heard = new CompletableFuture<>();
        List<String> pieces = new ArrayList<>();
        List<ObjectNode> besides = new ArrayList<>();
        List<GeneratedReply> replies = new ArrayList<>();
        ObjectNode body = Json.object();
        body.putArray("messages").addObject().put("role", "user").put("content", "Where is my card?");
        Ask ask = new Ask(
                List.of(Turn.user("Where is my card?")),
                null,
                body,
                1,
                Sampling.at(.7, 48, 1),
                List.of(),
                stream,
                Deadline.in(Duration.ofSeconds(20)));
        ReplyListener listener = new ReplyListener() {
            @Override
            public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
                pieces.add(delta.path("content").asText());
                if (beside != null) {
                    besides.add(beside);
                }
            }

            @Override
            public void onEnd(int choice, GeneratedReply reply) {
                replies.add(reply);
            }

            @Override
            public void onDone(Totals totals) {
                heard.complete(new Heard(pieces, besides, replies, null));
            }

            @Override
            public void onFailure(PolicyException failure) {
                heard.complete(new Heard(pieces, besides, replies, failure));
            }
        };
        Policy.Use use = catalog.use("desk", version).orElseThrow();
        vertx.runOnContext(_ -> use.policy().reply(ask, listener));
        return heard.whenComplete((_, _) -> use.close());
    }

    private Heard reply(String version, boolean stream) throws Exception {
        return ask(version, stream).get(20, TimeUnit.SECONDS);
    }

    @Test
    void servesTheBaseAndItsAdaptersByTheNamesTheyHaveThere() throws Exception {
        catalog.load("desk", "base");
        catalog.load("desk", "taught");
        assertThat(catalog.loaded()).as("nothing takes memory here").isEmpty();
        assertThat(reply("base", false).replies().getFirst().text()).isEqualTo("On it.");
        assertThat(reply("taught", true).pieces()).containsExactly("", "On", " it.", "");
        String name = server.everLoaded().getFirst();
        assertThat(name).matches("desk-taught-[0-9a-f]{8}");
        assertThat(server.adapters())
                .containsEntry(
                        name, root.resolve("desk/taught").toAbsolutePath().toString());
        assertThat(server.chats().stream().map(chat -> chat.path("model").asText()))
                .containsExactly(VllmStandIn.BASE, name);
        JsonNode chat = server.chats().getLast();
        assertThat(chat.path("temperature").asDouble()).isEqualTo(.7);
        assertThat(chat.path("max_tokens").asInt()).isEqualTo(48);
        // What is left out a server takes from the base's generation_config.json.
        assertThat(chat.path("top_k").asInt()).isEqualTo(-1);
        assertThat(chat.path("min_p").asDouble(1)).isZero();
        assertThat(chat.path("repetition_penalty").asDouble()).isOne();
        assertThat(chat.path("stream").asBoolean()).isTrue();
    }

    @Test
    void recordsTokensAndKeepsThemFromTheCaller() throws Exception {
        catalog.load("desk", "taught");
        Heard streamed = reply("taught", true);
        assertThat(streamed.besides()).isEmpty();
        Completion drawn = Objects.requireNonNull(streamed.replies().getFirst().sampled());
        assertThat(drawn.sampled()).containsExactly(11, 12, 1);
        assertThat(drawn.logProbabilities()).containsExactly(-.25f, -.5f, -.75f);
        assertThat(drawn.tokens()).containsExactly(11, 12);
        Heard whole = reply("taught", false);
        assertThat(whole.replies().getFirst().beside()).isNull();
        assertThat(whole.replies().getFirst().sampled()).isNotNull();
    }

    @Test
    void refusesAServerThatComputesSomethingElse() {
        server.finds(-1.5, -2.9);
        assertThatThrownBy(() -> catalog.load("desk", "taught"))
                .hasMessageContaining("golden case 0")
                .hasMessageContaining("differ by 0.20");
        assertThat(server.adapters()).as("it is taken away again").isEmpty();
        assertThatThrownBy(() -> catalog.load("desk", "base"))
                .hasMessageContaining("serve the weights of version base?");
    }

    @Test
    void unloadsAVersionWhenItsLastReplyIsOver() throws Exception {
        catalog.load("desk", "taught");
        CountDownLatch held = server.holdChats();
        CompletableFuture<Heard> under = ask("taught", false);
        Awaitility.await().until(() -> !server.chats().isEmpty());
        catalog.retain("desk", Set.of());
        assertThat(catalog.use("desk", "taught")).isEmpty();
        assertThat(server.adapters()).as("somebody is still being answered").hasSize(1);
        held.countDown();
        assertThat(under.get(20, TimeUnit.SECONDS).replies()).hasSize(1);
        Awaitility.await().until(() -> server.adapters().isEmpty());
        assertThat(server.everUnloaded()).isEqualTo(server.everLoaded());
        catalog.load("desk", "taught");
        assertThat(server.everLoaded()).as("no name twice").hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void loadsAgainWhatARestartedServerHasForgotten() throws Exception {
        catalog.load("desk", "taught");
        server.restart();
        assertThat(reply("taught", false).failure()).isInstanceOf(PolicyException.class);
        Awaitility.await().until(() -> server.adapters().size() == 1);
        Awaitility.await().until(() -> catalog.ready() && reply("taught", false).failure() == null);
        assertThat(server.everLoaded()).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void takesAwayWhatWasLoadedAfterAllWhenTheAnswerWasLost() {
        server.losesAnswersToLoads();
        assertThatThrownBy(() -> catalog.load("desk", "taught")).hasMessageContaining("cannot be reached");
        assertThat(server.everLoaded()).hasSize(1);
        assertThat(server.adapters()).isEmpty();
    }

    @Test
    void saysWhatTheServerSaid() throws IOException {
        server.restart();
        Files.delete(root.resolve("desk/taught/adapter_config.json"));
        assertThatThrownBy(() -> catalog.load("desk", "taught")).hasMessageContaining("adapter_config.json");
        server.close();
        assertThatThrownBy(() -> catalog.load("desk", "base"))
                .hasMessageContaining("the vLLM server at " + server.url() + " cannot be reached");
        server = new VllmStandIn();
    }
}
