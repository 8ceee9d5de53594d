package dev.bellwether.topic;

import dev.bellwether.event.Event;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * A Kafka topic with text keys.
 *
 * @param settings of the topic in Kafka's own names
 */
public record Topic<V extends Event>(String name, Map<String, String> settings, Serde<V> valueSerde) {
    public Serde<String> keySerde() {
        return Serdes.String();
    }

    /** As many as the brokers have of it, which {@code consumer} is asked for. */
    public List<TopicPartition> partitions(Consumer<?, ?> consumer) {
        return consumer.partitionsFor(name).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                .toList();
    }
}
