package dev.bellwether.standalone;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A program started by this one: its output goes to a log file, it is ended by its handle alone, and it does not
 * outlive this process, however that ends: the system kills it then, where {@code setpriv} can ask for that.
 */
public final class ChildProcess implements AutoCloseable {
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

    /** Of util-linux. */
    private static final List<Path> SETPRIV = List.of(Path.of("/usr/bin/setpriv"), Path.of("/bin/setpriv"));

    /** A child dies with the thread that started it, not with its process; this one lives as long as the process. */
    private static final ExecutorService STARTER = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("starter").daemon().factory());

    private final String name;
    private final Process process;
    private final LogFile log;
    private final Optional<ShutdownHook> hook;

    private ChildProcess(String name, Process process, LogFile log, boolean hooked) {
        this.name = name;
        this.process = process;
        this.log = log;
        this.hook = hooked ? Optional.of(ShutdownHook.add("stop-" + name, this::end)) : Optional.empty();
    }

    /**
     * Starts a program.
     *
     * @param environment added to this process's own
     * @param directory its working directory
     * @param log where its output and errors are appended
     */
    public static ChildProcess start(
            String name, List<String> command, Map<String, String> environment, Path directory, Path log) {
        return new ChildProcess(name, launch(command, environment, directory, log), new LogFile(log), true);
    }

    /** Starts a program whose owner ends it when the JVM shuts down, in the owner's order. */
    static ChildProcess startOwned(ServiceSpecification service) {
        Process process =
                launch(service.command(), service.environment(), Path.of("").toAbsolutePath(), service.log());
        return new ChildProcess(service.name(), process, new LogFile(service.log()), false);
    }

    private static Process launch(List<String> command, Map<String, String> environment, Path directory, Path log) {
        new LogFile(log).prepare();
        List<String> words = Stream.concat(dyingWithParent(), command.stream()).toList();
        var builder = new ProcessBuilder(words)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        try {
            return STARTER.submit(builder::start).get();
        } catch (ExecutionException failure) {
            throw new UncheckedIOException(new IOException("Cannot start " + command.getFirst(), failure.getCause()));
        } catch (InterruptedException interrupted) {
            throw StandaloneException.interrupted(command.getFirst());
        }
    }

    private static Stream<String> dyingWithParent() {
        return SETPRIV.stream().filter(Files::isExecutable).findFirst().stream()
                .flatMap(found -> Stream.of(found.toString(), "--pdeathsig", "KILL"));
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    /** The exit status once the process has ended; 128 + n where signal n ended it. */
    public OptionalInt exitStatus() {
        return process.isAlive() ? OptionalInt.empty() : OptionalInt.of(process.exitValue());
    }

    /** The last lines of the log. */
    public String logTail() {
        return log.tail();
    }

    Path log() {
        return log.path();
    }

    /** Waits for the process to end; false once the limit has passed. */
    public boolean awaitExit(Duration limit) {
        try {
            return process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException interrupted) {
            throw StandaloneException.interrupted(name);
        }
    }

    /** Ends the process without a chance to tidy up (SIGKILL). */
    public void kill() {
        hook.ifPresent(ShutdownHook::cancel);
        process.destroyForcibly();
        if (!awaitExit(KILL_LIMIT)) {
            throw StandaloneException.processFailed(name, "did not end when killed", log(), logTail());
        }
    }

    /** Asks the process to end (SIGTERM), waits, and kills it at the limit. Says whether it ended by itself. */
    public boolean stop(Duration limit) {
        process.destroy();
        boolean ended = awaitExit(limit);
        kill();
        return ended;
    }

    @Override
    public void close() {
        stop(CLOSE_LIMIT);
    }

    private void end() {
        stop(CLOSE_LIMIT);
    }
}
