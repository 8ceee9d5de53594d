package dev.bellwether.trainer.external;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operator's command while it runs. Whatever it started ends with it, however it ends, and with the trainer; what a
 * trainer left that was killed ends before the next command begins.
 */
final class ExternalProcess {
    static final String OUT = "BELLWETHER_OUT";

    private static final Logger LOG = LoggerFactory.getLogger(ExternalProcess.class);
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);
    private static final Duration OUTPUT_WAIT = Duration.ofSeconds(10);

    /** What is ended may have started another one just then. */
    private static final int ROUNDS = 10;

    private final ExternalConfig config;
    private final Attempt attempt;
    private final CommandOutput output;

    /** Whether the trainer ends: then the command has not failed. */
    private volatile boolean stopping;

    ExternalProcess(ExternalConfig config, Attempt attempt, CommandOutput output) {
        this.config = config;
        this.attempt = attempt;
        this.output = output;
    }

    /**
     * Runs the command in {@code folder} until it ends.
     *
     * @param environment what it is told beside the place of its output
     * @throws ExternalTrainingException when it fails, is silent for too long or does not end
     */
    void run(Path folder, Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(config.command())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(environment);
        builder.environment().put(OUT, attempt.out().toString());
        // Its children outlive a command that ends by itself, and a command its trainer.
        Thread atExit = new Thread(() -> {
            stopping = true;
            endAll(attempt.out().toString());
        });
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            Process process = start(builder);
            CompletableFuture<Void> reading = CompletableFuture.runAsync(
                    () -> read(process), command -> Thread.ofVirtual().start(command));
            try {
                await(process);
            } finally {
                // Not by the process itself, which would close what it said last.
                Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                        .toList()
                        .forEach(ProcessHandle::destroyForcibly);
                endAll(attempt.out().toString());
                join(reading);
            }
            if (stopping) {
                throw new IllegalStateException("the trainer stops, and the command with it");
            }
            requireSuccess(process.exitValue());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ExternalTrainingException("it was interrupted", e);
        } finally {
            removeHook(atExit);
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

    private void read(Process process) {
        try {
            output.read(process.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void await(Process process) throws InterruptedException {
        long begin = System.nanoTime();
        while (!process.waitFor(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
            long now = System.nanoTime();
            if (now - begin > config.limit().toNanos()) {
                throw new ExternalTrainingException(
                        "it had not ended after %s and was stopped; see %s".formatted(config.limit(), attempt.log()));
            }
            if (now - output.heardNanos() > config.silenceMax().toNanos()) {
                throw new ExternalTrainingException(
                        "it said nothing for %s and was stopped; see %s".formatted(config.silenceMax(), attempt.log()));
            }
        }
    }

    /** Waits for the rest of what it said; what it made counts, whether that comes or not. */
    private void join(CompletableFuture<Void> reading) throws InterruptedException {
        try {
            reading.get(OUTPUT_WAIT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("the end of what a command said is not in {}: {}", attempt.log(), String.valueOf(e.getMessage()));
        }
    }

    private void requireSuccess(int status) {
        if (status != 0) {
            throw new ExternalTrainingException(
                    "it ended with status %d; the whole of what it said is in %s, at the end:%n%s"
                            .formatted(status, attempt.log(), output.lastLines()));
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // It runs already.
        }
    }

    /** Ends every process, whoever its parent is by now, that was told to write to a place that begins with {@code out}. */
    static void endAll(String out) {
        for (int round = 0; round < ROUNDS; round++) {
            List<ProcessHandle> left;
            try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
                left = all.filter(process ->
                                process.pid() != ProcessHandle.current().pid())
                        .filter(process -> writesTo(process, out))
                        .toList();
            }
            if (left.isEmpty()) {
                return;
            }
            left.forEach(ProcessHandle::destroyForcibly);
            left.forEach(process -> process.onExit()
                    .completeOnTimeout(process, 1, TimeUnit.SECONDS)
                    .join());
        }
    }

    private static boolean writesTo(ProcessHandle process, String out) {
        try {
            String environment = Files.readString(
                    Path.of("/proc", Long.toString(process.pid()), "environ"), StandardCharsets.ISO_8859_1);
            String wanted = new String((OUT + "=" + out).getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
            return Arrays.stream(environment.split("\0")).anyMatch(variable -> variable.startsWith(wanted));
        } catch (IOException e) {
            // Somebody else's, or gone.
            return false;
        }
    }
}
