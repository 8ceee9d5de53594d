package dev.bellwether.gateway.rollout;

import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RolloutState;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads into a {@link RolloutView} what Kafka says, on a thread of its own, whenever Kafka is there. */
final class RolloutReader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RolloutReader.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration LOOK_FOR_KAFKA = Duration.ofSeconds(5);
    private static final List<Topic<? extends Event>> READ =
            List.of(Topics.ROLLOUT_STATE, Topics.POLICY_SCORECARDS, Topics.ROLLOUT_HISTORY, Topics.REFRESH_PROGRESS);

    private final String bootstrapServers;
    private final Layout topics;
    private final RolloutView view;
    private final Consumer<String> changed;
    private final Runnable heard;
    private final Thread thread =
            Thread.ofPlatform().name("rollout-reader").daemon().unstarted(this::run);

    private volatile boolean closing;
    private volatile boolean connected;
    private volatile boolean read;

    /**
     * @param changed is told of each bot whose state has changed
     * @param heard is told whenever Kafka has answered
     */
    RolloutReader(String bootstrapServers, Layout topics, RolloutView view, Consumer<String> changed, Runnable heard) {
        this.bootstrapServers = bootstrapServers;
        this.topics = topics;
        this.view = view;
        this.changed = changed;
        this.heard = heard;
    }

    void start() {
        thread.start();
    }

    /** Whether Kafka answers. */
    boolean connected() {
        return connected;
    }

    /** Whether everything was read since the start. */
    boolean read() {
        return read;
    }

    private void run() {
        while (!closing) {
            try {
                follow();
            } catch (KafkaException e) {
                connected = false;
                LOG.warn("Kafka is away: {}", e.getMessage());
                pause();
            } catch (RuntimeException | Error e) {
                connected = false;
                LOG.error("following the rollouts failed; it starts over", e);
                pause();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private void follow() throws InterruptedException {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers))) {
            Topics.ensure(admin, topics);
        }
        try (KafkaConsumer<String, byte[]> consumer = consumer()) {
            List<TopicPartition> partitions = new ArrayList<>();
            READ.forEach(topic -> partitions.addAll(topic.partitions(consumer)));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            view.forgetHistory();
            catchUp(consumer, consumer.endOffsets(partitions));
            long lookedNanos = System.nanoTime();
            while (!closing) {
                ConsumerRecords<String, byte[]> records = consumer.poll(POLL);
                if (!records.isEmpty()) {
                    records.forEach(record -> take(record, this::announce));
                    heard.run();
                }
                if (System.nanoTime() - lookedNanos > LOOK_FOR_KAFKA.toNanos()) {
                    look(consumer, partitions);
                    lookedNanos = System.nanoTime();
                }
            }
        }
    }

    private KafkaConsumer<String, byte[]> consumer() {
        return new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed",
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false),
                new StringDeserializer(),
                new ByteArrayDeserializer());
    }

    /** Old states are only read, never announced: what counts is the last one of each bot. */
    private void catchUp(KafkaConsumer<String, byte[]> consumer, Map<TopicPartition, Long> ends) {
        Map<String, RolloutState> last = new HashMap<>();
        while (!closing && ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            consumer.poll(POLL).forEach(record -> take(record, state -> last.put(state.bot(), state)));
        }
        last.values().forEach(this::announce);
        connected = true;
        read = true;
        heard.run();
    }

    /** Whether the brokers are there, which polling alone does not tell. */
    private void look(KafkaConsumer<String, byte[]> consumer, List<TopicPartition> partitions) {
        try {
            consumer.endOffsets(partitions, LOOK_FOR_KAFKA);
            connected = true;
            heard.run();
        } catch (TimeoutException e) {
            connected = false;
            LOG.warn("Kafka is away: {}", e.getMessage());
        }
    }

    private void announce(RolloutState state) {
        view.announce(state);
        changed.accept(state.bot());
    }

    private void take(ConsumerRecord<String, byte[]> record, Consumer<RolloutState> states) {
        if (record.value() == null) {
            return;
        }
        try {
            if (record.topic().equals(Topics.ROLLOUT_STATE.name())) {
                states.accept(read(Topics.ROLLOUT_STATE, record));
            } else if (record.topic().equals(Topics.POLICY_SCORECARDS.name())) {
                PolicyScorecard card = read(Topics.POLICY_SCORECARDS, record);
                view.count(card);
            } else if (record.topic().equals(Topics.ROLLOUT_HISTORY.name())) {
                view.moved(read(Topics.ROLLOUT_HISTORY, record));
            } else {
                view.refreshed(read(Topics.REFRESH_PROGRESS, record));
            }
        } catch (SerializationException e) {
            LOG.error("a record of {} is passed over: {}", record.topic(), e.getMessage());
        }
    }

    private static <E extends Event> E read(Topic<E> topic, ConsumerRecord<String, byte[]> record) {
        return topic.valueSerde().deserializer().deserialize(topic.name(), record.value());
    }

    @Override
    public void close() {
        closing = true;
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
