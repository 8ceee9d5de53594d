package dev.bellwether.trainer.external;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

/**
 * The operator's command while it runs. A line of its output that is a JSON object with {@code progress} (0 to 1) is a report,
 * its numbers in {@code metrics}; everything goes to a log.
 */
final class ExternalProcess {
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);
    private static final int LAST_LINES = 12;
    private static final int LINE_MAX = 10_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ExternalConfig config;
    private final Path log;
    private final Path running;
    private final BiConsumer<Double, Map<String, Double>> progress;
    private final Deque<String> last = new ArrayDeque<>();
    private final AtomicLong heardNanos = new AtomicLong();

    /**
     * @param folder where its output is kept, and which process it is while it runs
     */
    ExternalProcess(ExternalConfig config, Path folder, BiConsumer<Double, Map<String, Double>> progress) {
        this.config = config;
        this.log = folder.resolve("log.txt");
        this.running = folder.resolve("process");
        this.progress = progress;
    }

    /**
     * Runs the command in {@code folder} until it ends.
     *
     * @throws ExternalTrainingException when it fails, is silent for too long or does not end
     */
    void run(Path folder, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(config.command())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(environment);
        endLeftOver();
        Process process = start(builder);
        Files.writeString(running, identity(process.toHandle()));
        heardNanos.set(System.nanoTime());
        try {
            CompletableFuture<Void> reading = CompletableFuture.runAsync(
                    () -> read(process), command -> Thread.ofVirtual().start(command));
            await(process);
            reading.get(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ExternalTrainingException("it was interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new ExternalTrainingException("its output cannot be read: " + e.getMessage(), e);
        } finally {
            end(process.toHandle());
            Files.deleteIfExists(running);
        }
        if (process.exitValue() != 0) {
            throw new ExternalTrainingException(
                    "it ended with status %d; the whole of what it said is in %s, at the end:%n%s"
                            .formatted(process.exitValue(), log, lastLines()));
        }
    }

    private Process start(ProcessBuilder builder) {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new ExternalTrainingException(
                    "%s cannot be started: %s".formatted(config.command().getFirst(), e.getMessage()), e);
        }
    }

    private void await(Process process) throws InterruptedException {
        long begin = System.nanoTime();
        while (!process.waitFor(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
            long now = System.nanoTime();
            if (now - begin > config.limit().toNanos()) {
                throw new ExternalTrainingException(
                        "it had not ended after %s and was stopped; see %s".formatted(config.limit(), log));
            }
            if (now - heardNanos.get() > config.silenceMax().toNanos()) {
                throw new ExternalTrainingException(
                        "it said nothing for %s and was stopped; see %s".formatted(config.silenceMax(), log));
            }
        }
    }

    private static void end(ProcessHandle process) {
        List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
        all.add(process);
        all.forEach(ProcessHandle::destroyForcibly);
    }

    /** Ends the command of a trainer that was killed: it would go on in vain, with the memory that the next one needs. */
    private void endLeftOver() throws IOException {
        if (Files.exists(running)) {
            String known = Files.readString(running);
            String pid = known.lines().findFirst().orElse("");
            if (pid.matches("\\d+")) {
                ProcessHandle.of(Long.parseLong(pid))
                        .filter(process -> identity(process).equals(known))
                        .ifPresent(ExternalProcess::end);
            }
        }
    }

    /** A process's id, and when it began: ids come again. */
    private static String identity(ProcessHandle process) {
        return "%d%n%s%n"
                .formatted(
                        process.pid(),
                        process.info().startInstant().map(Instant::toString).orElse(""));
    }

    private void read(Process process) {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
                BufferedWriter writer = Files.newBufferedWriter(log)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                heardNanos.set(System.nanoTime());
                writer.write(line);
                writer.newLine();
                writer.flush();
                take(line.length() > LINE_MAX ? line.substring(0, LINE_MAX) : line);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void take(String line) {
        synchronized (last) {
            last.addLast(line);
            if (last.size() > LAST_LINES) {
                last.removeFirst();
            }
        }
        if (!line.startsWith("{")) {
            return;
        }
        try {
            JsonNode report = JSON.readTree(line);
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

    private String lastLines() {
        synchronized (last) {
            return String.join(System.lineSeparator(), last);
        }
    }
}
