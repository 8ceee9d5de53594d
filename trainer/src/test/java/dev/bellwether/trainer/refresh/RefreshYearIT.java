package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.Reply;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.refresh.RefreshService.BotRefresh;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Four hundred refreshes on a clock that runs ahead, with a trainer that learns nothing and topics that forget. */
class RefreshYearIT {
    private static final int REFRESHES = 400;
    private static final int JUDGEMENTS = 3;
    private static final int KEPT = 5;

    /** Of every so many refreshes one begins because time has passed. */
    private static final int QUIET = 7;

    private static final Duration BUSY_DAY = Duration.ofHours(22);
    private static final Duration QUIET_DAY = Duration.ofHours(30);
    private static final int RESTARTED_EVERY = 100;
    private static final int CROWNED = 50;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path directory = Path.of("");

    private final FastClock clock = new FastClock(Instant.now().minus(Duration.ofDays(400)));
    private final List<Begun> begun = new CopyOnWriteArrayList<>();
    private int judged;

    /** How a refresh began, and how long ago its oldest judgement was made. */
    private record Begun(RefreshPlan plan, long judgements, Duration oldest) {}

    private static final class FastClock extends Clock {
        private volatile Instant now;

        private FastClock(Instant beginning) {
            now = beginning;
        }

        /** By the test's thread alone. */
        private void advance(Duration by) {
            now = now.plus(by);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void theLastRefreshOfAYearComesAsTheFirstDidAndNothingPilesUp() throws Exception {
        PolicyStore store = new PolicyStore(directory.resolve("store"));
        Path data = directory.resolve("trainer");
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                KafkaProducer<String, byte[]> producer = producer(kafka.bootstrapServers())) {
            Topics.ensure(admin, Layout.DEFAULT);
            keepUntilTold(admin);
            try (KafkaConsumer<String, byte[]> reader = reader(kafka.bootstrapServers())) {
                List<String> done = new ArrayList<>();
                while (done.size() < REFRESHES) {
                    forget(admin);
                    RefreshService service = new RefreshService(
                            kafka.bootstrapServers(), RefreshYearIT::bots, store, data, clock, training(store));
                    CompletableFuture<Void> running = CompletableFuture.runAsync(() -> run(service));
                    for (int i = 0; i < RESTARTED_EVERY; i++) {
                        day(producer, done.size());
                        done.add(next(reader));
                        if (done.size() == CROWNED) {
                            crown(producer, begun.getLast().plan().order().version());
                        }
                    }
                    service.close();
                    running.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
                }
                assertThat(done).doesNotHaveDuplicates().hasSize(REFRESHES);
            }
        }
        lookAtTheYear(store, data);
    }

    private static Map<String, BotRefresh> bots() {
        RefreshConfig standard = RefreshConfig.defaults();
        RefreshConfig config = new RefreshConfig(
                JUDGEMENTS,
                Duration.ofHours(24),
                1,
                1,
                standard.temperature(),
                standard.completionTokensMax(),
                1,
                standard.klBudget(),
                1,
                "default",
                false,
                standard.training(),
                null,
                List.of(),
                KEPT);
        return Map.of("support", new BotRefresh("default", List.of(), config));
    }

    /** Publishes a file that says nothing, as candidate and as reward model; the gate lets every second one through. */
    private RefreshService.Training training(PolicyStore store) {
        return (plan, snapshot, folder, listener) -> {
            long oldest = snapshot.rated().stream()
                    .mapToLong(each -> each.interaction().time())
                    .min()
                    .orElseThrow();
            begun.add(new Begun(
                    plan, snapshot.judgements(), Duration.between(Instant.ofEpochMilli(oldest), clock.instant())));
            snapshot.write(folder);
            publish(store, plan.order().version(), ArtefactKind.CHECKPOINT);
            publish(store, plan.order().rewardModel(), ArtefactKind.REWARD);
            Report report = new Report(
                    plan.order().version(), snapshot.judgements(), 0, .7, 1, 0, begun.size() % 2 == 0, List.of());
            Files.writeString(folder.resolve(Refresh.REPORT), EventJson.mapper().writeValueAsString(report));
            return report;
        };
    }

    private void publish(PolicyStore store, String version, ArtefactKind kind) throws IOException {
        store.publish(
                ArtefactLabel.added("support", version, kind, clock.instant()),
                folder -> Files.writeString(folder.resolve("nothing"), version));
    }

    private static void run(RefreshService service) {
        try {
            service.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The broker's clock is far ahead. */
    private static void keepUntilTold(Admin admin) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, Topics.RATED_INTERACTIONS.name());
        AlterConfigOp forever = new AlterConfigOp(new ConfigEntry("retention.ms", "-1"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(topic, List.of(forever))).all().get();
    }

    /** The topics give up what is older than they keep, as their brokers do when they look. */
    private void forget(Admin admin) throws Exception {
        long kept = clock.instant().minus(Topics.HALF_YEAR).toEpochMilli();
        Map<TopicPartition, OffsetSpec> partitions =
                admin.describeTopics(List.of(Topics.RATED_INTERACTIONS.name())).allTopicNames().get().values().stream()
                        .flatMap(topic -> topic.partitions().stream()
                                .map(partition -> new TopicPartition(topic.name(), partition.partition())))
                        .collect(Collectors.toMap(each -> each, _ -> OffsetSpec.forTimestamp(kept)));
        Map<TopicPartition, RecordsToDelete> old = admin.listOffsets(partitions).all().get().entrySet().stream()
                .filter(entry -> entry.getValue().offset() > 0)
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> RecordsToDelete.beforeOffset(entry.getValue().offset())));
        admin.deleteRecords(old).all().get();
    }

    /** A day and what people judged on it: as many as begin a refresh, or few, and then time does. */
    private void day(KafkaProducer<String, byte[]> producer, int number) throws Exception {
        boolean quiet = number % QUIET == QUIET - 1;
        clock.advance(quiet ? QUIET_DAY : BUSY_DAY);
        for (int i = 0; i < (quiet ? 1 : JUDGEMENTS); i++) {
            RatedInteraction rated = rated(judged++);
            send(producer, Topics.RATED_INTERACTIONS, rated.interaction().interactionId(), rated);
        }
        producer.flush();
    }

    private RatedInteraction rated(int number) {
        long now = clock.millis();
        String id = new UUID(now << 16 | 0x7000, Long.MIN_VALUE | number).toString();
        Interaction interaction = new Interaction(
                Event.SCHEMA,
                id,
                "support",
                "conversation-" + number,
                "person-" + number,
                List.of(new Message("user", "Where is my card?")),
                List.of(new Reply("On its way.", "default", 0, "stop", 5, 3, .7, 1)),
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                true,
                10,
                now,
                Map.of(),
                null,
                null);
        Feedback thumb = new Feedback(
                Event.SCHEMA,
                "feedback-" + number,
                id,
                0,
                "person-" + number,
                Source.END_USER,
                new Thumb(true, List.of(), null),
                null,
                now);
        return new RatedInteraction(Event.SCHEMA, 1, interaction, List.of(thumb));
    }

    /** What was promoted long ago serves to the end. */
    private void crown(KafkaProducer<String, byte[]> producer, String version) throws Exception {
        send(producer, Topics.ROLLOUT_STATE, "support", RolloutState.idle("support", version));
        producer.flush();
    }

    private <E extends Event> void send(KafkaProducer<String, byte[]> producer, Topic<E> topic, String key, E event) {
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        var _ = producer.send(new ProducerRecord<>(topic.name(), null, clock.millis(), key, bytes));
    }

    private static KafkaProducer<String, byte[]> producer(String kafka) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka), new StringSerializer(), new ByteArraySerializer());
    }

    private static KafkaConsumer<String, byte[]> reader(String kafka) {
        KafkaConsumer<String, byte[]> reader = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka, "isolation.level", "read_committed"),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        reader.assign(Topics.REFRESH_PROGRESS.partitions(reader));
        reader.seekToBeginning(reader.assignment());
        return reader;
    }

    /** The id of the refresh that is announced next. */
    private static String next(KafkaConsumer<String, byte[]> reader) {
        Instant end = Instant.now().plus(LIMIT);
        while (Instant.now().isBefore(end)) {
            for (var record : reader.poll(Duration.ofMillis(200))) {
                RefreshProgress progress =
                        Topics.REFRESH_PROGRESS.valueSerde().deserializer().deserialize(record.topic(), record.value());
                if (progress.report() != null) {
                    return progress.refreshId();
                }
            }
        }
        throw new AssertionError("no refresh came to its end within " + LIMIT);
    }

    private void lookAtTheYear(PolicyStore store, Path data) throws IOException {
        assertThat(begun).as("none began twice").hasSize(REFRESHES);
        assertThat(begun).allSatisfy(each -> assertThat(each.oldest()).isLessThanOrEqualTo(Topics.HALF_YEAR));
        long whole = begun.get(REFRESHES / 2).judgements();
        assertThat(begun.getLast().judgements())
                .as("what is learned from, as much as half a year before")
                .isBetween(whole - 2 * JUDGEMENTS, whole + 2 * JUDGEMENTS);
        assertThat(begun.getLast().plan().order().level())
                .as("what is left of the gate's errors")
                .isPositive();
        String champion = begun.get(CROWNED - 1).plan().order().version();
        assertThat(begun.getLast().plan().order().champion()).isEqualTo(champion);
        List<String> names = store.names("support");
        assertThat(names).contains(champion).hasSize(2 * KEPT + 1);
        assertThat(store.newestReward("support"))
                .contains(begun.getLast().plan().order().rewardModel());
        try (Stream<Path> folders = Files.list(data.resolve("support"))) {
            List<Path> all = folders.toList();
            assertThat(all).hasSize(REFRESHES).allMatch(RefreshPlan::exists);
            assertThat(all.stream().filter(Snapshot::exists)).hasSize(KEPT);
        }
    }
}
