package dev.bellwether.stream;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.TaskMetadata;
import org.apache.kafka.streams.ThreadMetadata;

/**
 * Whether the stream does its work: it runs, and no partition that it has had records whose turn does not come.
 *
 * <p>What threads say of themselves is not enough: one that fails and is replaced again and again is always about to run.
 */
final class Progress {
    private static final Duration STUCK_AFTER = Duration.ofSeconds(30);
    private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(5);

    private final KafkaStreams streams;
    private final Admin admin;
    private final String group;
    private final LongSupplier nanos;
    private final Set<TopicPartition> watched = new HashSet<>();
    private final Map<TopicPartition, Position> positions = new HashMap<>();

    /** What was committed of a partition, and since when it has been that while there was more. */
    private record Position(long committed, long sinceNanos) {}

    /** @param nanos a clock that only goes forward */
    Progress(KafkaStreams streams, Admin admin, String group, LongSupplier nanos) {
        this.streams = streams;
        this.admin = admin;
        this.group = group;
        this.nanos = nanos;
    }

    /** What keeps the stream from its work; nothing when it does it. */
    synchronized Optional<String> obstacle() throws InterruptedException {
        Set<ThreadMetadata> threads = streams.metadataForLocalThreads();
        watched.addAll(threads.stream()
                .flatMap(thread -> thread.activeTasks().stream())
                .map(TaskMetadata::topicPartitions)
                .flatMap(Set::stream)
                .collect(Collectors.toSet()));
        Optional<String> stuck;
        try {
            stuck = stuck();
        } catch (ExecutionException | TimeoutException e) {
            return Optional.of("Kafka does not answer");
        }
        if (stuck.isPresent()) {
            return stuck;
        }
        return streams.state() == KafkaStreams.State.RUNNING
                ? Optional.empty()
                : Optional.of("the stream is " + streams.state().name().toLowerCase(Locale.ROOT)
                        + ", as while it restores its state");
    }

    /** Why it is to be started anew; nothing while it works, or waits for something else. */
    Optional<String> hang() throws InterruptedException {
        KafkaStreams.State state = streams.state();
        if (state == KafkaStreams.State.ERROR || state == KafkaStreams.State.NOT_RUNNING) {
            return Optional.of("the stream has ended");
        }
        if (state != KafkaStreams.State.RUNNING) {
            return Optional.empty();
        }
        synchronized (this) {
            try {
                return stuck();
            } catch (ExecutionException | TimeoutException e) {
                return Optional.empty();
            }
        }
    }

    private Optional<String> stuck() throws InterruptedException, ExecutionException, TimeoutException {
        if (watched.isEmpty()) {
            return Optional.empty();
        }
        Map<TopicPartition, OffsetAndMetadata> committed = admin.listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        Map<TopicPartition, Long> ends = new HashMap<>();
        admin.listOffsets(watched.stream().collect(Collectors.toMap(partition -> partition, _ -> OffsetSpec.latest())))
                .all()
                .get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .forEach((partition, end) -> ends.put(partition, end.offset()));
        long now = nanos.getAsLong();
        Optional<String> stuck = Optional.empty();
        for (TopicPartition partition : watched) {
            OffsetAndMetadata offset = committed.get(partition);
            long at = offset == null ? 0 : offset.offset();
            Position known = positions.get(partition);
            if (known == null || known.committed() != at || ends.getOrDefault(partition, 0L) <= at) {
                positions.put(partition, new Position(at, now));
            } else if (now - known.sinceNanos() > STUCK_AFTER.toNanos()) {
                stuck = Optional.of("%s has records, but its position has been %d for %d s"
                        .formatted(partition, at, TimeUnit.NANOSECONDS.toSeconds(now - known.sinceNanos())));
            }
        }
        return stuck;
    }
}
