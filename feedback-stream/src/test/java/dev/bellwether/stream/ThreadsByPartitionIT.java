package dev.bellwether.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.ThreadMetadata;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which thread of one instance does what. */
class ThreadsByPartitionIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int THREADS = 2;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void eachThreadHasItsShareOfEveryStepAlsoAfterAStartWithStateAndWithAThreadMore() throws Exception {
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
            Topics.ensure(admin, Layout.DEFAULT);
            try (Started first = Started.on(kafka, directory.resolve("state"))) {
                first.awaitShares(THREADS);
            }
            try (Started again = Started.on(kafka, directory.resolve("state"))) {
                again.awaitShares(THREADS);
                again.streams().addStreamThread();
                again.streams().addStreamThread();
                again.awaitShares(THREADS + 2);
            }
        }
    }

    private record Started(KafkaStreams streams) implements AutoCloseable {
        static Started on(LocalKafka kafka, Path state) {
            StreamSettings settings =
                    new StreamSettings(kafka.bootstrapServers(), state, THREADS, Layout.DEFAULT, Optional.empty(), 0);
            KafkaStreams streams = new KafkaStreams(
                    FeedbackTopology.build(Duration.ofDays(1), Map::of), settings.properties(), new Clients());
            streams.start();
            return new Started(streams);
        }

        void awaitShares(int threads) {
            Awaitility.await().atMost(LIMIT).untilAsserted(() -> {
                Set<ThreadMetadata> all = streams.metadataForLocalThreads();
                assertThat(streams.state()).isEqualTo(KafkaStreams.State.RUNNING);
                assertThat(all).hasSize(threads);
                Set<Integer> steps = steps(all.stream());
                assertThat(steps).hasSizeGreaterThan(threads);
                assertThat(all).allSatisfy(each -> {
                    assertThat(each.activeTasks()).hasSize(steps.size() * Layout.DEFAULT.partitions() / threads);
                    assertThat(steps(Stream.of(each))).isEqualTo(steps);
                });
            });
        }

        private static Set<Integer> steps(Stream<ThreadMetadata> threads) {
            return threads.flatMap(thread -> thread.activeTasks().stream())
                    .map(task -> task.taskId().subtopology())
                    .collect(Collectors.toSet());
        }

        @Override
        public void close() {
            streams.close(CloseOptions.timeout(LIMIT)
                    .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
        }
    }
}
