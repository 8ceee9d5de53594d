package dev.bellwether.standalone;

import java.nio.file.Path;

/** A real Redis as a child process, on loopback only, its snapshot kept in a folder. */
public final class LocalRedis extends LocalServer {
    private final RedisFolder folder;

    private LocalRedis(RedisFolder folder) {
        super(folder.prepare(folder.directory().resolve("redis.log")));
        this.folder = folder;
    }

    /** Starts a Redis on the port that the folder remembers, or any free one. */
    public static LocalRedis start(Path directory) {
        return started(new LocalRedis(RedisFolder.open(directory)));
    }

    public static LocalRedis start(Path directory, int port) {
        if (!Ports.isFree(port)) {
            throw StandaloneException.portInUse(port);
        }
        return started(new LocalRedis(RedisFolder.open(directory, port)));
    }

    /** Where clients connect, as {@code redis://127.0.0.1:PORT}. */
    public String url() {
        return "redis://127.0.0.1:" + folder.port();
    }

    public int port() {
        return folder.port();
    }
}
