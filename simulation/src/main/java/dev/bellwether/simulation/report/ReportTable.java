package dev.bellwether.simulation.report;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A report for people. */
public record ReportTable(Report report, ZoneId zone) {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);

    /** Its lines. */
    public String text() {
        StringBuilder table = new StringBuilder();
        versions(table);
        refreshes(table);
        decisions(table);
        totals(table);
        return table.toString();
    }

    private void versions(StringBuilder table) {
        if (report.versions().isEmpty()) {
            return;
        }
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
        for (Report.Version each : report.versions()) {
            line(
                    table,
                    "  %-24s %8d %6d %6d %13s %9s  %s",
                    each.version(),
                    each.served(),
                    each.up(),
                    each.down(),
                    satisfaction(each),
                    text(each.distinctReplies(), "%.2f"),
                    each.state() == null ? "" : each.state());
        }
        line(table, "");
    }

    private void refreshes(StringBuilder table) {
        for (Report.Refresh each : report.refreshes()) {
            line(
                    table,
                    "  refresh %s: %d judgements, %d pairs, reward accuracy %s, KL %s, %.0f s, gate %s",
                    each.id(),
                    each.judgements(),
                    each.pairs(),
                    text(each.rewardAccuracy(), "%.2f"),
                    text(each.kl(), "%.2f"),
                    each.seconds(),
                    each.gate());
            each.reasons().forEach(reason -> line(table, "    because %s", reason));
        }
    }

    private void decisions(StringBuilder table) {
        for (Report.Decision each : report.decisions()) {
            line(
                    table,
                    "  %s  %s -> %s%s: %s%s",
                    CLOCK.format(Instant.parse(each.at()).atZone(zone)),
                    each.from(),
                    each.to(),
                    each.candidateShare() > 0 ? percent(" %.0f %%", each.candidateShare()) : "",
                    each.why(),
                    each.eValue() > 0 ? String.format(Locale.ROOT, " (e = %.1f)", each.eValue()) : "");
        }
        if (!report.refreshes().isEmpty() || !report.decisions().isEmpty()) {
            line(table, "");
        }
    }

    private void totals(StringBuilder table) {
        if (report.baseSatisfaction() != null) {
            row(
                    table,
                    "true satisfaction",
                    text(report.baseSatisfaction(), "%.3f") + " -> " + text(report.finalSatisfaction(), "%.3f"));
            row(table, "best of 64 replies", text(report.bestOf64Satisfaction(), "%.3f"));
            row(
                    table,
                    "share of possible gain",
                    report.gainShare() == null ? "-" : percent("%.0f %%", report.gainShare()));
        }
        report.failures().forEach((what, count) -> row(table, "failed " + what, count.toString()));
        row(
                table,
                "feedback",
                "%d acknowledged, %s lost, %s duplicated"
                        .formatted(
                                report.feedbackAcknowledged(),
                                text(report.feedbackLost()),
                                text(report.feedbackDuplicated())));
        report.feedbackByKind().forEach((kind, count) -> row(table, "  " + kind, count.toString()));
        row(table, "interactions", String.format(Locale.ROOT, "%d in %.0f s", report.interactions(), report.seconds()));
    }

    private static String percent(String format, double share) {
        return String.format(Locale.ROOT, format, 100 * share);
    }

    private static String satisfaction(Report.Version version) {
        Double error = version.satisfactionError();
        return text(version.satisfaction(), "%.3f")
                + (error == null ? "" : String.format(Locale.ROOT, " ±%.3f", error));
    }

    private static String text(@Nullable Double number, String format) {
        return number == null ? "-" : String.format(Locale.ROOT, format, number);
    }

    private static String text(@Nullable Long number) {
        return number == null ? "-" : number.toString();
    }

    private static void row(StringBuilder table, String name, String value) {
        line(table, "  %-24s %s", name, value);
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private static void line(StringBuilder table, String format, Object... values) {
        table.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
