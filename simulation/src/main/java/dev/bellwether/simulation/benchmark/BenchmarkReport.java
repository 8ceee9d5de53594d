package dev.bellwether.simulation.benchmark;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * What one benchmark measured.
 *
 * @param machine cores, processor and memory
 * @param notes what a reader must know to read the figures
 */
record BenchmarkReport(String bench, String machine, List<Figure> figures, List<String> notes) {
    BenchmarkReport {
        figures = List.copyOf(figures);
        notes = List.copyOf(notes);
    }

    void print(PrintWriter out) {
        out.printf("%n%s, on %s%n%n", bench, machine);
        for (Figure figure : figures) {
            Figure.Reference reference = figure.reference();
            out.printf(
                    Locale.ROOT,
                    "%-34s %-26s %10s %-14s %s%n",
                    figure.name(),
                    figure.at(),
                    number(figure.value()),
                    figure.unit(),
                    reference == null
                            ? ""
                            : "%s: %s, ratio %.2f"
                                    .formatted(reference.name(), number(reference.value()), figure.ratio()));
            if (figure.goal() != null) {
                String met = figure.met() == null ? "not measured" : figure.met() ? "met" : "MISSED";
                out.printf("%-34s goal %s: %s%n", "", figure.goal(), met);
            }
        }
        notes.forEach(note -> out.printf("note: %s%n", note));
        out.flush();
    }

    /** Whether every goal is met. */
    boolean met() {
        return figures.stream().allMatch(figure -> figure.met() == null || figure.met());
    }

    private static String number(double value) {
        return Math.abs(value) >= 100
                ? "%.0f".formatted(value)
                : Math.abs(value) >= 1 ? "%.2f".formatted(value) : "%.3f".formatted(value);
    }
}
