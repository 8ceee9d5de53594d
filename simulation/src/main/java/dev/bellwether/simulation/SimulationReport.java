package dev.bellwether.simulation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.measurement.TopicAudit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What came of a run of simulated customers; what only the topics tell is absent without Kafka.
 *
 * @param feedback judgements acknowledged
 * @param failures calls that failed after all retries
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record SimulationReport(
        long seed,
        long interactions,
        long conversations,
        long feedback,
        Map<String, Long> feedbackByKind,
        Map<String, Long> failures,
        double seconds,
        long feedbackAcknowledged,
        @Nullable Long feedbackLost,
        @Nullable Long feedbackDuplicated,
        @Nullable Long feedbackUnrated,
        @Nullable List<TopicAudit.Version> versions) {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    static SimulationReport of(long seed, Crowd.Outcome outcome, Optional<TopicAudit> audit) {
        return new SimulationReport(
                seed,
                outcome.interactions(),
                outcome.conversations(),
                outcome.judgements(),
                outcome.feedback(),
                outcome.failures(),
                outcome.elapsed().toMillis() / 1_000.0,
                outcome.judgements(),
                audit.map(TopicAudit::lost).orElse(null),
                audit.map(TopicAudit::duplicated).orElse(null),
                audit.map(TopicAudit::unrated).orElse(null),
                audit.map(TopicAudit::versions).orElse(null));
    }

    void write(Path file) throws IOException {
        Path whole = file.toAbsolutePath();
        Files.createDirectories(whole.getParent());
        Files.writeString(whole, JSON.writeValueAsString(this) + "\n");
    }

    /** The report for people. */
    String table() {
        StringBuilder table = new StringBuilder();
        row(table, "interactions", "%d in %.1f s".formatted(interactions, seconds));
        row(table, "judgements", Long.toString(feedback));
        feedbackByKind.forEach((kind, count) -> row(table, "  " + kind, count.toString()));
        failures.forEach((what, count) -> row(table, "failed " + what, count.toString()));
        if (feedbackLost != null && feedbackDuplicated != null) {
            row(table, "lost", feedbackLost.toString());
            row(table, "duplicated", feedbackDuplicated.toString());
        }
        if (versions != null) {
            table.append("%n%-28s %8s %8s %8s%n".formatted("version", "served", "up", "down"));
            versions.forEach(each -> table.append(
                    "%-28s %8d %8d %8d%n".formatted(each.version(), each.served(), each.up(), each.down())));
        }
        return table.toString();
    }

    private static void row(StringBuilder table, String name, String value) {
        table.append("%-28s %s%n".formatted(name, value));
    }
}
