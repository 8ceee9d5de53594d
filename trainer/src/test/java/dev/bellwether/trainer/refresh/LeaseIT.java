package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.refresh.Lease.Announcement;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of two trainers one speaks for a bot. */
class LeaseIT {
    @TempDir
    private Path directory = Path.of("");

    private static Announcement said(String what) {
        return new Announcement(Topics.REFRESH_PROGRESS.name(), "key", what.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void whoTookItLastIsHeardAndWhoHadItIsNot() throws Exception {
        try (LocalKafka kafka = LocalKafka.start(directory)) {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
                Topics.ensure(admin, Layout.DEFAULT);
            }
            try (Lease first = Lease.take(kafka.bootstrapServers(), "support");
                    Lease other = Lease.take(kafka.bootstrapServers(), "sales")) {
                first.announce(List.of(said("first")));
                try (Lease second = Lease.take(kafka.bootstrapServers(), "support")) {
                    assertThatThrownBy(() -> first.announce(List.of(said("late"), said("later"))))
                            .isInstanceOf(LeaseLostException.class)
                            .hasMessageContaining("support");
                    second.announce(List.of(said("second")));
                    other.announce(List.of(said("other")));
                }
            }
            assertThat(heard(kafka.bootstrapServers())).containsExactly("first", "second", "other");
        }
    }

    private static List<String> heard(String kafka) {
        try (KafkaConsumer<String, String> reader = new KafkaConsumer<>(
                Map.of("bootstrap.servers", kafka, "isolation.level", "read_committed"),
                new StringDeserializer(),
                new StringDeserializer())) {
            reader.assign(Topics.REFRESH_PROGRESS.partitions(reader));
            reader.seekToBeginning(reader.assignment());
            List<String> heard = new ArrayList<>();
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
                reader.poll(Duration.ofMillis(100)).forEach(record -> heard.add(record.value()));
                return heard.contains("other");
            });
            return heard;
        }
    }
}
