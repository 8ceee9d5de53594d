package dev.bellwether.simulation.benchmark;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a gateway's process holds at one moment.
 *
 * @param resident bytes of memory in all
 * @param heap bytes of objects, garbage included
 * @param direct bytes of the JVM's buffers beside the heap
 */
record Gauges(long resident, long heap, long direct, long threads, long descriptors) {
    private static final Pattern HEAP = Pattern.compile("^jvm_memory_used_bytes\\{area=\"heap\".*\\} (\\S+)$");
    private static final Pattern DIRECT = Pattern.compile("^jvm_buffer_memory_used_bytes\\{id=\"direct\".*\\} (\\S+)$");

    /**
     * @param metrics of the gateway, on the operators' port
     */
    static Gauges of(long pid, URI metrics) throws IOException {
        String text;
        try (InputStream answer = metrics.toURL().openStream()) {
            text = new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        }
        Path process = Path.of("/proc", Long.toString(pid));
        try (Stream<Path> descriptors = Files.list(process.resolve("fd"));
                Stream<Path> threads = Files.list(process.resolve("task"))) {
            return new Gauges(
                    Machine.residentBytes(pid),
                    sum(text, HEAP),
                    sum(text, DIRECT),
                    threads.count(),
                    descriptors.count());
        }
    }

    private static long sum(String metrics, Pattern line) {
        return metrics.lines()
                .map(line::matcher)
                .filter(Matcher::matches)
                .mapToLong(each -> (long) Double.parseDouble(each.group(1)))
                .sum();
    }
}
