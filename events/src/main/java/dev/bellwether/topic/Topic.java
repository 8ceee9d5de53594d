package dev.bellwether.topic;

import dev.bellwether.event.Event;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * A Kafka topic with text keys.
 *
 * @param partitions fixed for the topic's life: keys stay in their partition only then
 * @param settings of the topic in Kafka's own names
 */
public record Topic<V extends Event>(String name, int partitions, Map<String, String> settings, Serde<V> valueSerde) {
    public Serde<String> keySerde() {
        return Serdes.String();
    }
}
