package dev.bellwether.simulation.benchmark;

import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * What a consumer group has not worked off yet.
 *
 * @param lags of each partition that it reads: records that it has not committed
 */
record Backlog(Map<TopicPartition, Long> lags) {
    /** How the feedback stream's group is called, and its folder. */
    static final String STREAM = "feedback-stream";

    static Backlog of(Admin admin, String group) throws IOException, InterruptedException {
        try {
            Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get(30, TimeUnit.SECONDS);
            Map<TopicPartition, OffsetSpec> ends = Stream.concat(
                            committed.keySet().stream(),
                            Stream.of(Topics.INTERACTIONS, Topics.FEEDBACK).flatMap(Backlog::partitions))
                    .distinct()
                    .collect(Collectors.toMap(each -> each, _ -> OffsetSpec.latest()));
            Map<TopicPartition, Long> lags = new HashMap<>();
            admin.listOffsets(ends).all().get(30, TimeUnit.SECONDS).forEach((partition, end) -> {
                OffsetAndMetadata at = committed.get(partition);
                lags.put(partition, end.offset() - (at == null ? 0 : at.offset()));
            });
            return new Backlog(lags);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("what %s has read cannot be learned".formatted(group), e);
        }
    }

    private static Stream<TopicPartition> partitions(Topic<?> topic) {
        return Stream.iterate(0, each -> each + 1)
                .limit(Layout.DEFAULT.partitions())
                .map(each -> new TopicPartition(topic.name(), each));
    }

    /** Interactions and feedback that are left. */
    long inputs() {
        return lags.entrySet().stream()
                .filter(each -> input(each.getKey()))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static boolean input(TopicPartition partition) {
        return partition.topic().equals(Topics.INTERACTIONS.name())
                || partition.topic().equals(Topics.FEEDBACK.name());
    }

    /** Whether nothing is left, also of what the group sent to itself: there the end of a transaction is a record, which is not read. */
    boolean workedOff() {
        return inputs() == 0 && lags.values().stream().allMatch(lag -> lag <= 1);
    }
}
