package dev.bellwether.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.Ports;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The whole stream on a real broker. */
class FeedbackStreamIT {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Path FIXTURES = Path.of("../events/src/test/resources/event/v1");
    private static final int NOISE_BYTES = 3_670_016;

    @TempDir
    private static Path directory = Path.of("");

    @SuppressWarnings("NullAway.Init")
    private static LocalKafka kafka;

    @SuppressWarnings("NullAway.Init")
    private static KafkaProducer<String, byte[]> producer;

    private static int sent;

    @BeforeAll
    static void start() throws IOException {
        kafka = LocalKafka.start(directory.resolve("kafka"));
        Files.writeString(directory.resolve("bots.yaml"), "bots:\n  support:\n    champion: default\n");
        producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka.bootstrapServers(),
                        ProducerConfig.MAX_REQUEST_SIZE_CONFIG,
                        2 * NOISE_BYTES),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    @AfterAll
    static void stop() {
        producer.close();
        kafka.close();
    }

    /** One instance with a state of its own. */
    private record Instance(FeedbackStream stream, int healthPort) implements AutoCloseable {
        static Instance start(String name) throws IOException, InterruptedException {
            int port = Ports.free();
            StreamSettings settings = new StreamSettings(
                    kafka.bootstrapServers(), directory.resolve(name), 2, Layout.DEFAULT, Optional.empty(), 0);
            return new Instance(FeedbackStream.start(settings, directory.resolve("bots.yaml"), port), port);
        }

        String readiness() throws IOException, InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/readyz".formatted(healthPort)))
                    .build();
            try (HttpClient client = HttpClient.newHttpClient()) {
                return client.send(request, HttpResponse.BodyHandlers.ofString())
                        .body();
            }
        }

        void awaitReady() {
            Awaitility.await()
                    .atMost(LIMIT)
                    .untilAsserted(() -> assertThat(readiness()).isEqualTo("ok"));
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    private static void send(Topic<?> topic, @Nullable String key, byte @Nullable [] value) {
        var _ = producer.send(new ProducerRecord<>(topic.name(), key, value));
    }

    private static <E extends Event> byte[] bytes(Topic<E> topic, E event) {
        return topic.valueSerde().serializer().serialize(topic.name(), event);
    }

    /** A duel that somebody decided; it gives one pair. */
    private static String judgedDuel() {
        return judgedDuel("user-" + sent);
    }

    private static String judgedDuel(String user) {
        String name = "duel-" + sent++;
        long now = System.currentTimeMillis();
        Interaction made = Records.interaction(name, "Question " + name, "First.", "Second.");
        String id = Records.idAt(now, name);
        ObjectNode json = EventJson.mapper().valueToTree(made);
        json.put("interaction_id", id).put("user_hash", user);
        Interaction interaction = EventJson.mapper().convertValue(json, Interaction.class);
        Feedback made2 = Records.feedback("f-" + name, name, now, new Preference(Outcome.FIRST));
        ObjectNode judged = EventJson.mapper().valueToTree(made2);
        judged.put("interaction_id", id).put("user_hash", user);
        send(Topics.INTERACTIONS, id, bytes(Topics.INTERACTIONS, interaction));
        send(Topics.FEEDBACK, id, bytes(Topics.FEEDBACK, EventJson.mapper().convertValue(judged, Feedback.class)));
        return id;
    }

    /** A topic as it stands: the last value of each key, and how many records there were. */
    private static <E extends Event> Map<String, E> latest(Topic<E> topic) {
        Map<String, E> latest = new HashMap<>();
        for (ConsumerRecord<String, E> each : records(topic)) {
            if (each.value() == null) {
                latest.remove(each.key());
            } else {
                latest.put(each.key(), each.value());
            }
        }
        return latest;
    }

    private static <E extends Event> List<ConsumerRecord<String, E>> records(Topic<E> topic) {
        try (KafkaConsumer<String, E> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "isolation.level", "read_committed"),
                new StringDeserializer(),
                topic.valueSerde().deserializer())) {
            List<TopicPartition> partitions = topic.partitions(consumer);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<String, E>> all = new ArrayList<>();
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.getOrDefault(p, 0L))) {
                consumer.poll(Duration.ofMillis(200)).forEach(all::add);
            }
            return all;
        }
    }

    private static void awaitRated(List<String> ids) {
        Awaitility.await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(latest(Topics.RATED_INTERACTIONS).keySet()).containsAll(ids);
            assertThat(latest(Topics.PREFERENCE_PAIRS).values())
                    .extracting(pair -> pair.chosen().interactionId())
                    .containsAll(ids);
        });
    }

    @Test
    void forgetsAUserInWhateverPartitionsTheirInteractionsAre() throws IOException, InterruptedException {
        try (Instance instance = Instance.start("erasing")) {
            instance.awaitReady();
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                ids.add(judgedDuel("forgotten-user"));
            }
            String other = judgedDuel();
            producer.flush();
            awaitRated(ids);
            Erasure erasure =
                    new Erasure(Event.SCHEMA, "forgotten-user", "the shop", System.currentTimeMillis() + 60_000);
            send(Topics.ERASURES, erasure.userHash(), bytes(Topics.ERASURES, erasure));
            String late = judgedDuel("forgotten-user");
            String marker = judgedDuel();
            awaitRated(List.of(other, marker));
            Awaitility.await().atMost(LIMIT).untilAsserted(() -> {
                assertThat(latest(Topics.RATED_INTERACTIONS)).doesNotContainKeys(ids.toArray(new String[0]));
                assertThat(latest(Topics.PREFERENCE_PAIRS).values())
                        .flatExtracting(PreferencePair::judges)
                        .doesNotContain("forgotten-user");
            });
            assertThat(latest(Topics.RATED_INTERACTIONS)).doesNotContainKey(late);
        }
    }

    /** What no step can use, of each kind. */
    private static List<byte[]> poison(String fixture) throws IOException {
        byte[] noise = new byte[NOISE_BYTES];
        new Random(1).nextBytes(noise);
        List<byte[]> poison = new ArrayList<>(List.of(
                "{\"schema\":1}".getBytes(StandardCharsets.UTF_8),
                "null".getBytes(StandardCharsets.UTF_8),
                "{\"schema\":99}".getBytes(StandardCharsets.UTF_8),
                new byte[0],
                noise));
        ObjectNode whole = (ObjectNode)
                EventJson.mapper().readTree(FIXTURES.resolve(fixture + ".json").toFile());
        for (Map.Entry<String, ?> field : whole.properties()) {
            ObjectNode without = whole.deepCopy();
            without.remove(field.getKey());
            poison.add(EventJson.mapper().writeValueAsBytes(without));
        }
        return poison;
    }

    @Test
    void goesOnWhateverNobodyCanUseComesIn() throws IOException, InterruptedException {
        try (Instance instance = Instance.start("poisoned")) {
            instance.awaitReady();
            List<String> ids = new ArrayList<>();
            int poisons = 0;
            for (Map.Entry<Topic<?>, String> input : Map.<Topic<?>, String>of(
                            Topics.INTERACTIONS, "interaction",
                            Topics.FEEDBACK, "feedback-thumb",
                            Topics.ROLLOUT_COMMANDS, "rollout-command",
                            Topics.ERASURES, "erasure")
                    .entrySet()) {
                for (byte[] poison : poison(input.getValue())) {
                    // No fixture's id is one that holds a time, and no command's bot is keyed so: whole or not, none
                    // fits.
                    send(input.getKey(), "poison-" + poisons++, poison);
                    ids.add(judgedDuel());
                }
                if (!input.getKey().equals(Topics.ERASURES)) {
                    // The broker refuses for a compacted topic what has no key, and what comes in one batch with it.
                    send(input.getKey(), null, poison(input.getValue()).getLast());
                    poisons++;
                }
                send(input.getKey(), "a tombstone", null);
                poisons++;
            }
            producer.flush();
            awaitRated(ids);
            int expected = poisons;
            Awaitility.await()
                    .atMost(LIMIT)
                    .untilAsserted(
                            () -> assertThat(records(Topics.DEAD_LETTERS)).hasSize(expected));
            assertThat(records(Topics.DEAD_LETTERS))
                    .allSatisfy(letter -> {
                        DeadLetter about = letter.value();
                        assertThat(about.offset()).isNotNegative();
                        assertThat(about.reason()).isNotBlank();
                    })
                    .anySatisfy(letter -> assertThat(letter.value().bytes()).isEqualTo((long) NOISE_BYTES));
            instance.awaitReady();
        }
    }

    @Test
    void rebuildsItsStateWhenItsFolderIsGoneAndMakesTheSamePairs() throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        try (Instance instance = Instance.start("lost")) {
            for (int i = 0; i < 20; i++) {
                ids.add(judgedDuel());
            }
            awaitRated(ids);
            instance.awaitReady();
        }
        Map<String, PreferencePair> pairs = latest(Topics.PREFERENCE_PAIRS);
        int records = records(Topics.PREFERENCE_PAIRS).size();
        try (Stream<Path> files = Files.walk(directory.resolve("lost"))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        try (Instance instance = Instance.start("lost")) {
            // The same judgements once more: what is known already changes nothing.
            Map<String, RatedInteraction> rated = latest(Topics.RATED_INTERACTIONS);
            for (String id : ids) {
                Optional.ofNullable(rated.get(id))
                        .orElseThrow()
                        .judgements()
                        .forEach(judgement -> send(Topics.FEEDBACK, id, bytes(Topics.FEEDBACK, judgement)));
            }
            String marker = judgedDuel();
            awaitRated(List.of(marker));
            instance.awaitReady();
            assertThat(latest(Topics.PREFERENCE_PAIRS))
                    .containsAllEntriesOf(pairs)
                    .hasSize(pairs.size() + 1);
            assertThat(records(Topics.PREFERENCE_PAIRS)).hasSize(records + 1);
        }
    }

    @Test
    void refusesTopicsOfAnotherSizeOrTimeAndSaysTheRepair() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            Topics.ensure(admin, Layout.DEFAULT);
            assertThatThrownBy(() -> Topics.ensure(admin, new Layout((short) 1, 7)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has 4 partitions, needed are 7; copy its records");
            timestamps(admin, "CreateTime");
            try {
                assertThatThrownBy(() -> Topics.ensure(admin, Layout.DEFAULT))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("set it to LogAppendTime");
            } finally {
                timestamps(admin, "LogAppendTime");
            }
            Topics.ensure(admin, Layout.DEFAULT);
        }
    }

    /** What an operator has set stays. */
    @Test
    void givesTopicsOfAnEarlierVersionWhatTheyLack() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            Topics.ensure(admin, Layout.DEFAULT);
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, Topics.FEEDBACK.name());
            String wanted = Objects.requireNonNull(Topics.FEEDBACK.settings().get("segment.ms"));
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(
                                    new AlterConfigOp(new ConfigEntry("segment.ms", ""), AlterConfigOp.OpType.DELETE),
                                    new AlterConfigOp(
                                            new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get(30, TimeUnit.SECONDS);
            Awaitility.await().until(() -> !value(admin, topic, "segment.ms").equals(wanted));
            Topics.ensure(admin, Layout.DEFAULT);
            Awaitility.await().until(() -> value(admin, topic, "segment.ms").equals(wanted));
            assertThat(value(admin, topic, "retention.ms")).isEqualTo("3600000");
            admin.incrementalAlterConfigs(Map.of(
                            topic,
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE))))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }
    }

    private static String value(Admin admin, ConfigResource topic, String name) throws Exception {
        Config config = Objects.requireNonNull(admin.describeConfigs(List.of(topic))
                .all()
                .get(30, TimeUnit.SECONDS)
                .get(topic));
        return String.valueOf(config.get(name).value());
    }

    private static void timestamps(Admin admin, String type) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, Topics.FEEDBACK.name());
        AlterConfigOp change =
                new AlterConfigOp(new ConfigEntry("message.timestamp.type", type), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(topic, List.of(change))).all().get(30, TimeUnit.SECONDS);
    }

    @Test
    void keepsItsStateOverAStop() throws IOException, InterruptedException {
        try (Instance instance = Instance.start("stopped")) {
            instance.awaitReady();
            awaitRated(List.of(judgedDuel()));
        }
        Logger states = (Logger) LoggerFactory.getLogger("org.apache.kafka.streams.processor.internals");
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        states.addAppender(said);
        try (Instance instance = Instance.start("stopped")) {
            instance.awaitReady();
        } finally {
            states.detachAppender(said);
        }
        assertThat(said.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .as("nothing is wiped and read again")
                .noneMatch(message -> message.contains("corrupted"));
    }

    @Test
    void sharesTheWorkOfTwoInstancesAndTakesOverFromOneThatEnds() throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>();
        try (Instance one = Instance.start("one")) {
            one.awaitReady();
            try (Instance other = Instance.start("other")) {
                for (int i = 0; i < 40; i++) {
                    ids.add(judgedDuel());
                }
                other.awaitReady();
                for (int i = 0; i < 40; i++) {
                    ids.add(judgedDuel());
                }
                awaitRated(ids);
            }
            for (int i = 0; i < 40; i++) {
                ids.add(judgedDuel());
            }
            awaitRated(ids);
            one.awaitReady();
        }
        assertThat(records(Topics.PREFERENCE_PAIRS))
                .filteredOn(pair -> pair.value() != null
                        && ids.contains(pair.value().chosen().interactionId()))
                .as("each pair once")
                .hasSize(ids.size());
    }
}
