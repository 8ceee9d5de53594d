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
import java.util.Optional;
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
import org.apache.kafka.common.serialization.StringDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Refreshes on a clock that runs ahead, with a trainer that learns nothing and topics that forget; {@code -Drefreshes} says how
 * many.
 */
class RefreshYearsIT {
    private static final int REFRESHES = Integer.getInteger("refreshes", 60);
    private static final int JUDGEMENTS = 3;
    private static final int KEPT = 5;
    private static final Duration INTERVAL = Duration.ofHours(100);

    /** People are quiet before each so many-th refresh, which begins because time has passed. */
    private static final int QUIET = 7;

    private static final Duration BUSY = Duration.ofHours(90);
    private static final Duration CALM = Duration.ofHours(110);

    /** The service is restarted in the middle of each so many-th refresh. */
    private static final int RESTARTED_EVERY = 20;

    private static final int CROWNED = 10;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path directory = Path.of("");

    private final FastClock clock = new FastClock(Instant.now().minus(CALM.multipliedBy(REFRESHES + 1)));
    private final List<Begun> begun = new CopyOnWriteArrayList<>();
    private final List<Long> judged = new CopyOnWriteArrayList<>();
    private volatile boolean dying;
    private volatile Optional<RefreshPlan> interrupted = Optional.empty();
    private volatile int steps = 1;

    /** How a refresh began, and of how many judgements the topics held by then. */
    private record Begun(RefreshPlan plan, long judgements, long kept) {}

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
    void theLastRefreshComesAsTheFirstDidAndNothingPilesUp() throws Exception {
        PolicyStore store = new PolicyStore(directory.resolve("store"));
        Path data = directory.resolve("trainer");
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                KafkaProducer<String, byte[]> producer = RefreshServiceIT.producer(kafka.bootstrapServers())) {
            Topics.ensure(admin, Layout.DEFAULT);
            keepUntilTold(admin);
            try (KafkaConsumer<String, byte[]> reader = reader(kafka.bootstrapServers())) {
                List<String> done = new ArrayList<>();
                while (done.size() < REFRESHES) {
                    forget(admin);
                    RefreshService service = new RefreshService(
                            kafka.bootstrapServers(), this::bots, store, data, clock, training(store));
                    CompletableFuture<Void> running = CompletableFuture.runAsync(() -> run(service));
                    interrupted.ifPresent(_ -> done.add(next(reader)));
                    while (done.size() < REFRESHES && done.size() % RESTARTED_EVERY < RESTARTED_EVERY - 1) {
                        day(producer, done.size());
                        done.add(next(reader));
                        if (done.size() == CROWNED) {
                            crown(producer, begun.getLast().plan().order().version());
                        }
                    }
                    if (done.size() < REFRESHES) {
                        dying = true;
                        day(producer, done.size());
                        Awaitility.await().until(() -> !dying);
                    }
                    service.close();
                    running.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
                    steps = done.size() + 1;
                }
                assertThat(done).doesNotHaveDuplicates();
            }
        }
        lookBack(store, data);
    }

    /** A device that is not there, or replies too many for the memory: with the old plan it would fail for ever. */
    @Test
    void beginsAnewWhereSettingsChangeAfterAFailure() throws Exception {
        PolicyStore store = new PolicyStore(directory.resolve("store"));
        List<RefreshPlan> tried = new CopyOnWriteArrayList<>();
        RefreshService.Training training = (plan, snapshot, folder, listener) -> {
            tried.add(plan);
            if (plan.config().steps() == 1) {
                throw new IllegalArgumentException("device is cuda:7, but libtorch finds 0 GPU(s)");
            }
            return new Report(null, snapshot.judgements(), 0, .7, 1, 0, false, List.of());
        };
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
                KafkaProducer<String, byte[]> producer = RefreshServiceIT.producer(kafka.bootstrapServers())) {
            Topics.ensure(admin, Layout.DEFAULT);
            keepUntilTold(admin);
            RefreshService service = new RefreshService(
                    kafka.bootstrapServers(), this::bots, store, directory.resolve("trainer"), clock, training);
            CompletableFuture<Void> running = CompletableFuture.runAsync(() -> run(service));
            try (KafkaConsumer<String, byte[]> reader = reader(kafka.bootstrapServers())) {
                day(producer, 0);
                Awaitility.await().atMost(LIMIT).until(() -> tried.size() == 1);
                steps = 2;
                assertThat("v" + next(reader))
                        .isEqualTo(tried.getFirst().order().version());
                Awaitility.await().atMost(LIMIT).until(() -> tried.size() == 2);
                assertThat(tried.getLast().config().steps()).isEqualTo(2);
                assertThat(tried.getLast().order().version())
                        .isNotEqualTo(tried.getFirst().order().version());
            }
            service.close();
            running.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private Map<String, BotRefresh> bots() {
        RefreshConfig standard = RefreshConfig.defaults();
        RefreshConfig config = new RefreshConfig(
                JUDGEMENTS,
                INTERVAL,
                1,
                1,
                standard.temperature(),
                standard.topP(),
                standard.completionTokensMax(),
                steps,
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
            if (dying) {
                snapshot.write(folder);
                interrupted = Optional.of(plan);
                dying = false;
                throw new IOException("the service dies");
            }
            interrupted.ifPresent(before -> assertThat(plan).isEqualTo(before));
            interrupted = Optional.empty();
            long oldest = clock.instant().minus(Topics.HALF_YEAR).toEpochMilli();
            long kept = judged.stream().filter(time -> time >= oldest).count();
            begun.add(new Begun(plan, snapshot.judgements(), kept));
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
        clock.advance(quiet ? CALM : BUSY);
        for (int i = 0; i < (quiet ? 1 : JUDGEMENTS); i++) {
            RatedInteraction rated = rated(judged.size());
            judged.add(clock.millis());
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

    /** The service may have been closed before it had tidied up behind the last refresh. */
    private void lookBack(PolicyStore store, Path data) throws IOException {
        assertThat(begun).hasSize(REFRESHES);
        assertThat(begun).allSatisfy(each -> assertThat(each.judgements()).isEqualTo(each.kept()));
        assertThat(begun.getLast().kept()).as("topics forget").isLessThan(judged.size());
        RefreshPlan last = begun.getLast().plan();
        assertThat(last.order().level()).as("what is left of the gate's errors").isPositive();
        String champion = begun.get(CROWNED - 1).plan().order().version();
        assertThat(last.order().champion()).isEqualTo(champion);
        assertThat(store.names("support")).contains(champion).hasSizeBetween(2 * KEPT + 1, 2 * KEPT + 3);
        assertThat(store.newestReward("support")).contains(last.order().rewardModel());
        try (Stream<Path> folders = Files.list(data.resolve("support"))) {
            List<Path> all = folders.toList();
            assertThat(all).hasSize(REFRESHES).allMatch(RefreshPlan::exists);
            assertThat(all.stream().filter(Snapshot::exists).toList()).hasSizeBetween(KEPT, KEPT + 1);
        }
    }
}
