package dev.bellwether.simulation.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.commons.statistics.descriptive.StandardDeviation;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;

/** What the runs of an experiment came to: a table in Markdown, and a plot of the share of the gain by refresh. */
final class LearningReport {
    private static final int WIDTH = 720;
    private static final int HEIGHT = 420;

    private final Experiment experiment;
    private final Map<Run, Course> courses = new LinkedHashMap<>();

    LearningReport(Experiment experiment) {
        this.experiment = experiment;
    }

    void add(Run run, Course course) {
        courses.put(run, course);
    }

    /** Variant and taste, with all their seeds. */
    private Map<String, List<Course>> rows() {
        Map<String, List<Course>> rows = new LinkedHashMap<>();
        courses.forEach((run, course) -> rows.computeIfAbsent(
                        "%s | %s".formatted(run.variant(), run.taste()), _ -> new ArrayList<>())
                .add(course));
        return rows;
    }

    /** One row for each variant and taste. */
    String table() {
        StringBuilder table = new StringBuilder("# %s: %s%n%n".formatted(experiment.label(), experiment.about()));
        table.append(
                "| variant | taste | share of the gain | by seed | after each refresh | promoted | judgements | minutes |%n"
                        .formatted());
        table.append("|---|---|---|---|---|---|---|---|%n".formatted());
        rows().forEach((name, seeds) -> table.append("| %s | %s | %s | %s | %d of %d | %d | %.0f |%n"
                .formatted(
                        name,
                        spread(seeds.stream().mapToDouble(Course::share).toArray()),
                        seeds.stream().map(each -> number(each.share())).collect(Collectors.joining(", ")),
                        means(seeds).stream()
                                .skip(1)
                                .map(LearningReport::number)
                                .collect(Collectors.joining(", ")),
                        seeds.stream().mapToInt(Course::promoted).sum(),
                        seeds.stream()
                                .mapToInt(each -> each.shares().size() - 1)
                                .sum(),
                        seeds.stream().mapToLong(Course::judgements).sum() / seeds.size(),
                        seeds.stream().mapToDouble(Course::seconds).sum() / seeds.size() / 60)));
        return table.toString();
    }

    /** Mean, and standard error where there are several. */
    private static String spread(double... shares) {
        double mean = Arrays.stream(shares).average().orElse(0);
        double error = StandardDeviation.of(shares).getAsDouble() / Math.sqrt(shares.length);
        return shares.length == 1 ? number(mean) : "%s ± %s".formatted(number(mean), number(error));
    }

    private static String number(double share) {
        return String.format(Locale.ROOT, "%.2f", share);
    }

    /** Share after each refresh, over the seeds that came so far. */
    private static List<Double> means(List<Course> seeds) {
        int refreshes =
                seeds.stream().mapToInt(each -> each.shares().size()).min().orElse(0);
        return IntStream.range(0, refreshes)
                .mapToObj(i -> seeds.stream()
                        .mapToDouble(each -> each.shares().get(i))
                        .average()
                        .orElse(0))
                .toList();
    }

    /** Writes table and plot into {@code folder}. */
    void write(Path folder) throws IOException {
        Files.writeString(folder.resolve(experiment.label() + ".md"), table());
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(experiment.about())
                .xAxisTitle("refreshes")
                .yAxisTitle("share of the possible gain")
                .build();
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.0);
        rows().forEach((name, seeds) -> {
            List<Double> means = means(seeds);
            chart.addSeries(
                    name.replace(" | ", ", "),
                    IntStream.range(0, means.size()).boxed().toList(),
                    means);
        });
        BitmapEncoder.saveBitmap(chart, folder.resolve(experiment.label()).toString(), BitmapEncoder.BitmapFormat.PNG);
    }
}
