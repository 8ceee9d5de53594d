package dev.bellwether.standalone;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * The folder of one local broker: its ports, its settings, its formatted storage.
 *
 * @param port where clients connect
 * @param advertisedPort where the broker tells clients to connect; another one when a proxy stands in front of it
 */
record KafkaFolder(Path directory, int port, int advertisedPort) {
    /** After a crash it has its logs to recover. */
    private static final Duration START_LIMIT = Duration.ofMinutes(5);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);
    private static final List<String> FLAGS = List.of(
            "-Xmx400m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            // The quick compiler alone: the broker starts in two thirds of the time and leaves the cores to the
            // services.
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dlogback.configurationFile=dev/bellwether/standalone/kafka-logback.xml");

    static KafkaFolder open(Path directory) {
        int port = clientPort(directory).orFree();
        return new KafkaFolder(directory, port, port);
    }

    static KafkaFolder open(Path directory, int port, int advertisedPort) {
        return new KafkaFolder(directory, clientPort(directory).set(port), advertisedPort);
    }

    private static RememberedPort clientPort(Path directory) {
        return new RememberedPort(directory.resolve("port"));
    }

    /** Formats the storage on first use, writes the settings, and says how to run the broker. */
    ServiceSpecification prepare(Path log) {
        try {
            Path data = directory.resolve("data").toAbsolutePath();
            Path settings = directory.resolve("server.properties").toAbsolutePath();
            Files.createDirectories(data);
            int controllerPort = new RememberedPort(directory.resolve("controller-port")).orFree();
            if (data.toString().contains(",")) {
                throw new StandaloneException(
                        "folder_unusable",
                        "Kafka cannot keep its data in %s: a comma separates folders there. Choose another folder."
                                .formatted(data));
            }
            write(settings(data, controllerPort), settings);
            if (!Files.exists(data.resolve("meta.properties"))) {
                format(data);
            }
            var command =
                    new JavaCommand(FLAGS, JavaCommand.OWN_CLASS_PATH, "kafka.Kafka", List.of(settings.toString()));
            return new ServiceSpecification(
                    "kafka",
                    command.words(),
                    command.environment(),
                    new HealthCheck.Kafka(port),
                    log,
                    START_LIMIT,
                    STOP_LIMIT);
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot prepare Kafka's folder " + directory, failure);
        }
    }

    private void format(Path data) throws IOException {
        try (var silence = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
            new Formatter()
                    .setPrintStream(silence)
                    .setSupportedFeatures(List.copyOf(Feature.PRODUCTION_FEATURES))
                    .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                    .setNodeId(1)
                    .setClusterId(Uuid.randomUuid().toString())
                    .setControllerListenerName("CONTROLLER")
                    .setMetadataLogDirectory(data.toString())
                    .setDirectories(List.of(data.toString()))
                    .run();
        } catch (IOException failure) {
            throw failure;
        } catch (Exception failure) {
            throw new IOException("Cannot format Kafka's storage in " + data, failure);
        }
    }

    /** In ISO 8859-1 with other letters escaped, as Kafka reads it. */
    private static void write(Properties settings, Path file) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            settings.store(out, null);
        }
    }

    private Properties settings(Path data, int controllerPort) throws IOException {
        Properties settings = new Properties();
        settings.load(new StringReader("""
                process.roles=broker,controller
                node.id=1
                controller.quorum.voters=1@127.0.0.1:%2$s
                listeners=CLIENT://127.0.0.1:%1$s,CONTROLLER://127.0.0.1:%2$s
                advertised.listeners=CLIENT://127.0.0.1:%3$s
                listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
                inter.broker.listener.name=CLIENT
                controller.listener.names=CONTROLLER
                # A broker that was killed may come back only once its old session is over.
                broker.session.timeout.ms=4000
                broker.heartbeat.interval.ms=500
                auto.create.topics.enable=false
                group.initial.rebalance.delay.ms=0
                default.replication.factor=1
                min.insync.replicas=1
                offsets.topic.replication.factor=1
                offsets.topic.num.partitions=4
                transaction.state.log.replication.factor=1
                transaction.state.log.min.isr=1
                transaction.state.log.num.partitions=4
                share.coordinator.state.topic.replication.factor=1
                share.coordinator.state.topic.min.isr=1
                share.coordinator.state.topic.num.partitions=1
                num.network.threads=2
                num.io.threads=4
                background.threads=2
                log.retention.check.interval.ms=30000
                log.cleaner.dedupe.buffer.size=16777216
                """.formatted(port, controllerPort, advertisedPort)));
        settings.setProperty("log.dirs", data.toString());
        return settings;
    }
}
