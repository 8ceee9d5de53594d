package dev.bellwether.gateway;

import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Kafka and Redis for all tests of this module, started once; each test has bots of its own names. */
final class Backing {
    private static final Path DIRECTORY = directory();
    private static final LocalKafka KAFKA = LocalKafka.start(DIRECTORY.resolve("kafka"));
    private static final LocalRedis REDIS = LocalRedis.start(DIRECTORY.resolve("redis"));

    private Backing() {}

    private static Path directory() {
        try {
            return Files.createTempDirectory("backing");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String kafka() {
        return KAFKA.bootstrapServers();
    }

    static String redis() {
        return REDIS.url();
    }
}
