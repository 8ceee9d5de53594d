package dev.bellwether.simulation.demo;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutTransition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the demo found.
 *
 * @param feedback judgements that customers gave
 * @param baseSatisfaction true satisfaction with the default policy's replies
 * @param bestOf64Satisfaction with the best of 64 of its replies: about the best that it could learn
 * @param gainShare (final − base) / (best of 64 − base)
 */
record DemoReport(
        long seed,
        long interactions,
        long feedback,
        long pairs,
        List<Version> versions,
        double baseSatisfaction,
        @JsonProperty("best_of_64_satisfaction") double bestOf64Satisfaction,
        double finalSatisfaction,
        double gainShare,
        List<Refresh> refreshes,
        List<Decision> decisions,
        long feedbackAcknowledged,
        long feedbackLost,
        long feedbackDuplicated,
        double seconds) {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    /** A version: what it served, the thumbs it got, and how its replies truly please. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Version(
            String version,
            @Nullable String parent,
            long served,
            long up,
            long down,
            double satisfaction,
            double distinctReplies,
            String state) {}

    /** A refresh and what its release gate said. */
    record Refresh(
            String id,
            long judgements,
            long pairs,
            @Nullable Double rewardAccuracy,
            @Nullable Double kl,
            double seconds,
            String gate,
            List<String> reasons) {
        static Refresh of(RefreshProgress progress, RefreshProgress.Report report) {
            return new Refresh(
                    progress.refreshId(),
                    report.judgements(),
                    report.pairs(),
                    finite(report.rewardAccuracy()),
                    finite(report.kl()),
                    report.seconds(),
                    report.passed() ? "passed" : "refused",
                    report.reasons());
        }

        private static @Nullable Double finite(double number) {
            return Double.isFinite(number) ? number : null;
        }
    }

    /** A step of a rollout. */
    record Decision(String at, String version, String from, String to, String why, double eValue) {
        static Decision of(RolloutTransition transition) {
            return new Decision(
                    Instant.ofEpochMilli(transition.time()).toString(),
                    Optional.ofNullable(transition.version()).orElse(""),
                    transition.from().name(),
                    "%s %.0f %%".formatted(transition.to().name(), 100 * transition.candidateShare()),
                    transition.why(),
                    transition.eValue());
        }
    }

    void write(Path file) throws IOException {
        Path whole = file.toAbsolutePath();
        Files.createDirectories(whole.getParent());
        Files.writeString(whole, JSON.writeValueAsString(this) + "\n");
    }

    /** The report for people. */
    String table() {
        StringBuilder table = new StringBuilder();
        line(table, "");
        line(
                table,
                "  %-24s %8s %6s %6s %13s %9s  %s",
                "version",
                "served",
                "up",
                "down",
                "satisfaction",
                "distinct",
                "state");
        for (Version each : versions) {
            line(
                    table,
                    "  %-24s %8d %6d %6d %13.3f %9.2f  %s",
                    each.version(),
                    each.served(),
                    each.up(),
                    each.down(),
                    each.satisfaction(),
                    each.distinctReplies(),
                    each.state());
        }
        line(table, "");
        for (Refresh each : refreshes) {
            line(
                    table,
                    "  refresh %s: %d judgements, %d pairs, reward accuracy %s, KL %s, %.0f s, gate %s",
                    each.id(),
                    each.judgements(),
                    each.pairs(),
                    text(each.rewardAccuracy()),
                    text(each.kl()),
                    each.seconds(),
                    each.gate());
            each.reasons().forEach(reason -> line(table, "    because %s", reason));
        }
        for (Decision each : decisions) {
            line(
                    table,
                    "  %s  %s -> %s: %s%s",
                    each.at().substring(11, 19),
                    each.from(),
                    each.to(),
                    each.why(),
                    each.eValue() > 0 ? " (e = %.1f)".formatted(each.eValue()) : "");
        }
        line(table, "");
        line(table, "  true satisfaction        %.3f -> %.3f", baseSatisfaction, finalSatisfaction);
        line(table, "  best of 64 replies       %.3f", bestOf64Satisfaction);
        line(table, "  share of possible gain   %.0f %%", 100 * gainShare);
        line(
                table,
                "  feedback                 %d acknowledged, %d lost, %d duplicated",
                feedbackAcknowledged,
                feedbackLost,
                feedbackDuplicated);
        line(table, "  interactions             %d in %.0f s", interactions, seconds);
        return table.toString();
    }

    private static String text(@Nullable Double number) {
        return number == null ? "-" : String.format(Locale.ROOT, "%.2f", number);
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private static void line(StringBuilder table, String format, Object... values) {
        table.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
