package dev.bellwether.standalone;

import java.nio.file.Path;

/**
 * A real Kafka broker (KRaft, broker and controller in one) as a child JVM, on loopback only, its data kept in a
 * folder.
 *
 * <p>It runs from the Kafka jars on this process's own class path. Transactions and exactly-once streams work.
 */
public final class LocalKafka implements AutoCloseable {
    private final KafkaFolder folder;
    private final LocalServer server;

    private LocalKafka(KafkaFolder folder) {
        this.folder = folder;
        this.server = new LocalServer(folder.prepare(folder.directory().resolve("kafka.log")));
    }

    /** Starts a broker on the port that the folder remembers, or any free one. */
    public static LocalKafka start(Path directory) {
        return new LocalKafka(KafkaFolder.open(directory)).started();
    }

    public static LocalKafka start(Path directory, int port) {
        return start(directory, port, port);
    }

    /** Starts a broker that tells its clients to come through another port, where a {@link BreakableProxy} listens. */
    public static LocalKafka start(Path directory, int port, int advertisedPort) {
        if (!Ports.isFree(port)) {
            throw StandaloneException.portInUse(port);
        }
        return new LocalKafka(KafkaFolder.open(directory, port, advertisedPort)).started();
    }

    private LocalKafka started() {
        try {
            server.start();
            return this;
        } catch (RuntimeException failure) {
            server.close();
            throw failure;
        }
    }

    /** Where clients connect, as {@code 127.0.0.1:PORT}. */
    public String bootstrapServers() {
        return "127.0.0.1:" + folder.advertisedPort();
    }

    public int port() {
        return folder.port();
    }

    public long pid() {
        return server.pid();
    }

    /** Ends the broker as a crash would (SIGKILL). */
    public void kill() {
        server.kill();
    }

    /** Starts the broker again on its data, stopping it first when it runs, and waits until it serves. */
    public void restart() {
        server.restart();
    }

    @Override
    public void close() {
        server.close();
    }
}
