package dev.bellwether.stream;

import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.streams.processor.internals.DefaultKafkaClientSupplier;

/** The stream's clients of Kafka: consumers divide the work by {@link ThreadsByPartition}. */
final class Clients extends DefaultKafkaClientSupplier {
    @Override
    public Consumer<byte[], byte[]> getConsumer(Map<String, Object> settings) {
        return super.getConsumer(ThreadsByPartition.in(settings));
    }
}
