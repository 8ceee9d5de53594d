package dev.bellwether.standalone;

import java.nio.file.Path;

/**
 * A real Kafka broker (KRaft, broker and controller in one) as a child JVM, on loopback only, its data kept in a
 * folder.
 *
 * <p>It runs from the Kafka jars on this process's own class path. Transactions and exactly-once streams work.
 */
public final class LocalKafka extends LocalServer {
    private final KafkaFolder folder;

    private LocalKafka(KafkaFolder folder) {
        super(folder.prepare(folder.directory().resolve("kafka.log")));
        this.folder = folder;
    }

    /** Starts a broker on the port that the folder remembers, or any free one. */
    public static LocalKafka start(Path directory) {
        return started(new LocalKafka(KafkaFolder.open(directory)));
    }

    public static LocalKafka start(Path directory, int port) {
        return start(directory, port, port);
    }

    /** Starts a broker that tells its clients to come through another port, where a {@link BreakableProxy} listens. */
    public static LocalKafka start(Path directory, int port, int advertisedPort) {
        if (!Ports.isFree(port)) {
            throw StandaloneException.portInUse(port);
        }
        return started(new LocalKafka(KafkaFolder.open(directory, port, advertisedPort)));
    }

    /** Where clients connect, as {@code 127.0.0.1:PORT}. */
    public String bootstrapServers() {
        return "127.0.0.1:" + folder.advertisedPort();
    }

    public int port() {
        return folder.port();
    }
}
