package dev.bellwether.trainer.external;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * What a command says, line by line and however much it is: each line as far as {@value #LINE_BYTES_MAX} bytes, kept in a
 * file of at most {@value #LOG_BYTES_MAX}. A line that is a JSON object with {@code progress} (0 to 1) is a report, its
 * numbers in {@code metrics}.
 */
final class CommandOutput {
    private static final int LINE_BYTES_MAX = 10_000;
    private static final long LOG_BYTES_MAX = 64L << 20;
    private static final int LAST_LINES = 12;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path log;
    private final BiConsumer<Double, Map<String, Double>> progress;
    private final Deque<String> last = new ArrayDeque<>();
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private volatile long heardNanos = System.nanoTime();
    private long logged;

    CommandOutput(Path log, BiConsumer<Double, Map<String, Double>> progress) {
        this.log = log;
        this.progress = progress;
    }

    /** When something came last, as {@link System#nanoTime} counts. */
    long heardNanos() {
        return heardNanos;
    }

    /** The end of what it said. */
    String lastLines() {
        synchronized (last) {
            return String.join(System.lineSeparator(), last);
        }
    }

    /** Reads until the output ends. */
    void read(InputStream output) throws IOException {
        try (BufferedInputStream in = new BufferedInputStream(output);
                OutputStream kept = new BufferedOutputStream(Files.newOutputStream(log))) {
            for (int next = in.read(); next >= 0; next = in.read()) {
                heardNanos = System.nanoTime();
                if (next == '\n') {
                    end(kept);
                    if (in.available() == 0) {
                        kept.flush();
                    }
                } else if (line.size() < LINE_BYTES_MAX) {
                    line.write(next);
                }
            }
            if (line.size() > 0) {
                end(kept);
            }
        }
    }

    private void end(OutputStream kept) throws IOException {
        if (logged + line.size() < LOG_BYTES_MAX) {
            line.writeTo(kept);
            kept.write('\n');
        } else if (logged < LOG_BYTES_MAX) {
            kept.write("(what it said besides is not kept)\n".getBytes(StandardCharsets.UTF_8));
            logged = LOG_BYTES_MAX;
        }
        logged += line.size() + 1;
        take(line.toString(StandardCharsets.UTF_8));
        line.reset();
    }

    private void take(String said) {
        synchronized (last) {
            last.addLast(said);
            if (last.size() > LAST_LINES) {
                last.removeFirst();
            }
        }
        if (!said.startsWith("{")) {
            return;
        }
        try {
            JsonNode report = JSON.readTree(said);
            if (report.path("progress").isNumber()) {
                Map<String, Double> metrics = new HashMap<>();
                report.path("metrics").properties().forEach(metric -> {
                    if (metric.getValue().isNumber()) {
                        metrics.put(metric.getKey(), metric.getValue().asDouble());
                    }
                });
                progress.accept(Math.clamp(report.path("progress").asDouble(), 0, 1), metrics);
            }
        } catch (JsonProcessingException e) {
            // Some other line that begins with a brace; it is in the log.
        }
    }
}
