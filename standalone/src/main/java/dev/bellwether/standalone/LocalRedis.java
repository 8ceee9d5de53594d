package dev.bellwether.standalone;

import java.nio.file.Path;

/** A real Redis as a child process, on loopback only, its snapshot kept in a folder. */
public final class LocalRedis implements AutoCloseable {
    private final RedisFolder folder;
    private final LocalServer server;

    private LocalRedis(RedisFolder folder) {
        this.folder = folder;
        this.server = new LocalServer(folder.prepare(folder.directory().resolve("redis.log")));
    }

    /** Starts a Redis on the port that the folder remembers, or any free one. */
    public static LocalRedis start(Path directory) {
        return new LocalRedis(RedisFolder.open(directory)).started();
    }

    public static LocalRedis start(Path directory, int port) {
        if (!Ports.isFree(port)) {
            throw StandaloneException.portInUse(port);
        }
        return new LocalRedis(RedisFolder.open(directory, port)).started();
    }

    private LocalRedis started() {
        try {
            server.start();
            return this;
        } catch (RuntimeException failure) {
            server.close();
            throw failure;
        }
    }

    /** Where clients connect, as {@code redis://127.0.0.1:PORT}. */
    public String url() {
        return "redis://127.0.0.1:" + folder.port();
    }

    public int port() {
        return folder.port();
    }

    public long pid() {
        return server.pid();
    }

    /** Ends the server as a crash would (SIGKILL). */
    public void kill() {
        server.kill();
    }

    /** Starts the server again, stopping it first when it runs, and waits until it answers. */
    public void restart() {
        server.restart();
    }

    @Override
    public void close() {
        server.close();
    }
}
