package dev.bellwether.stream;

import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.RolloutSettings;
import dev.bellwether.stream.rollout.DecideRollouts.BotRollout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;
import org.jspecify.annotations.Nullable;

/** The whole stream without a broker: records go in, and come out of its topics. */
public final class StreamDriver implements AutoCloseable {
    private final TopologyTestDriver driver;

    /** @param state an empty folder */
    public StreamDriver(Path state) {
        Properties settings = StreamSettings.handlers();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "test");
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        driver = new TopologyTestDriver(
                FeedbackTopology.build(
                        Duration.ofDays(7),
                        () -> Map.of("support", new BotRollout("default", RolloutSettings.defaults()))),
                settings,
                Instant.EPOCH);
    }

    public <E extends Event> TestInputTopic<String, E> input(Topic<E> topic) {
        return driver.createInputTopic(
                topic.name(), new StringSerializer(), topic.valueSerde().serializer());
    }

    /** What came out of a topic since it was read last. */
    public <E extends Event> List<KeyValue<String, @Nullable E>> read(Topic<E> topic) {
        return driver.createOutputTopic(
                        topic.name(),
                        topic.keySerde().deserializer(),
                        topic.valueSerde().deserializer())
                .readKeyValuesToList();
    }

    /** As {@link #read}, the last value of every key, without those that end in a tombstone. */
    public <E extends Event> Map<String, E> latest(Topic<E> topic) {
        Map<String, E> latest = new TreeMap<>();
        for (KeyValue<String, @Nullable E> entry : read(topic)) {
            latest.remove(entry.key);
            if (entry.value != null) {
                latest.put(entry.key, entry.value);
            }
        }
        return latest;
    }

    public void send(Interaction interaction) {
        input(Topics.INTERACTIONS).pipeInput(interaction.interactionId(), interaction);
    }

    public void send(Feedback feedback) {
        input(Topics.FEEDBACK).pipeInput(feedback.interactionId(), feedback);
    }

    /** Sends what need not be a record. */
    public void send(Topic<?> topic, String key, byte[] bytes) {
        driver.createInputTopic(topic.name(), new StringSerializer(), new ByteArraySerializer())
                .pipeInput(key, bytes);
    }

    /** Lets {@code time} pass without a record. */
    public void pass(Duration time) {
        driver.advanceWallClockTime(time);
    }

    /** The stores in which {@code text} stands, in a key or a value. */
    public Set<String> storesHold(String text) {
        Set<String> holding = new TreeSet<>();
        driver.getAllStateStores().forEach((name, store) -> {
            try (KeyValueIterator<?, ?> all =
                    store instanceof KeyValueStore<?, ?> keys ? keys.all() : ((WindowStore<?, ?>) store).all()) {
                all.forEachRemaining(each -> {
                    if (each.toString().contains(text)) {
                        holding.add(name);
                    }
                });
            }
        });
        return holding;
    }

    @Override
    public void close() {
        driver.close();
    }
}
