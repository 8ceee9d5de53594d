package dev.bellwether.gateway.http;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** For each bot a thread for what takes too long for an event loop, so that one bot's work keeps no other's waiting. */
public final class Lanes implements AutoCloseable {
    private final String name;
    private final int waitingMax;
    private final Map<String, Workers> lanes = new ConcurrentHashMap<>();

    /**
     * @param waitingMax that may wait for the thread of one bot
     */
    public Lanes(String name, int waitingMax) {
        this.name = name;
        this.waitingMax = waitingMax;
    }

    /** One bot's. */
    public Workers of(String bot) {
        return lanes.computeIfAbsent(bot, _ -> new Workers(name + "-" + bot, 1, waitingMax));
    }

    @Override
    public void close() {
        lanes.values().forEach(Workers::close);
    }
}
