package dev.bellwether.standalone;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import redis.embedded.core.ExecutableProvider;
import redis.embedded.model.OsArchitecture;

/** The folder of one local Redis: its port, its executable, its snapshot. */
record RedisFolder(Path directory, int port) {
    /** After a crash it has its file to read. */
    private static final Duration START_LIMIT = Duration.ofMinutes(2);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

    static RedisFolder open(Path directory) {
        return new RedisFolder(directory, remembered(directory).orFree());
    }

    static RedisFolder open(Path directory, int port) {
        return new RedisFolder(directory, remembered(directory).set(port));
    }

    private static RememberedPort remembered(Path directory) {
        return new RememberedPort(directory.resolve("port"));
    }

    /** Unpacks the executable on first use and says how to run it. */
    ServiceSpecification prepare(Path log) {
        try {
            Path data = Files.createDirectories(directory).toAbsolutePath();
            List<String> command = List.of(
                    executable(data).toString(),
                    "--bind",
                    "127.0.0.1",
                    "--port",
                    String.valueOf(port),
                    "--dir",
                    data.toString(),
                    "--save",
                    "60 1",
                    "--stop-writes-on-bgsave-error",
                    "no",
                    "--maxmemory",
                    "256mb",
                    "--maxmemory-policy",
                    "volatile-ttl");
            return new ServiceSpecification(
                    "redis", command, Map.of(), new HealthCheck.Redis(port), log, START_LIMIT, STOP_LIMIT);
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot prepare Redis's folder " + directory, failure);
        }
    }

    private Path executable(Path data) throws IOException {
        OsArchitecture machine = OsArchitecture.detectOSandArchitecture();
        String resource = ExecutableProvider.newProvidedVersionsMap().get(machine);
        if (resource == null) {
            throw new StandaloneException(
                    "no_redis", "No Redis is shipped for " + machine.os + " on " + machine.arch + ".");
        }
        String name = resource.substring(resource.lastIndexOf('/') + 1);
        Path executable = data.resolve(name);
        if (!Files.exists(executable)) {
            try (InputStream packed = ExecutableProvider.class.getClassLoader().getResourceAsStream(name)) {
                if (packed == null) {
                    throw new StandaloneException("no_redis", "The class path holds no " + name + ".");
                }
                Path whole = Files.createTempFile(data, name, ".tmp");
                Files.copy(packed, whole, StandardCopyOption.REPLACE_EXISTING);
                if (!whole.toFile().setExecutable(true)) {
                    throw new IOException("Cannot make " + whole + " executable");
                }
                Files.move(whole, executable, StandardCopyOption.ATOMIC_MOVE);
            }
        }
        return executable;
    }
}
