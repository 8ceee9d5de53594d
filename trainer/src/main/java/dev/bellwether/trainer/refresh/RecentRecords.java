package dev.bellwether.trainer.refresh;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The records of a topic that are in force, by key, of each bot apart: for as long as the topic keeps them, and no more of all
 * bots together than fit. Where that is too many, the bot that has most gives what came first.
 */
final class RecentRecords<E> {
    private final int most;
    private final long keptMillis;
    private final Map<String, LinkedHashMap<String, Dated<E>>> bots = new HashMap<>();
    private final Map<String, String> owners = new HashMap<>();

    private record Dated<E>(long time, E value) {}

    /**
     * @param most of all bots together
     * @param keptMillis how long the topic keeps a record
     */
    RecentRecords(int most, long keptMillis) {
        this.most = most;
        this.keptMillis = keptMillis;
    }

    /** What stands under {@code key} from now on. */
    void put(String bot, String key, long time, E value) {
        remove(key);
        owners.put(key, bot);
        bots.computeIfAbsent(bot, _ -> new LinkedHashMap<>()).put(key, new Dated<>(time, value));
        if (owners.size() > most) {
            bots.values().stream()
                    .max(Comparator.comparingInt(Map::size))
                    .map(LinkedHashMap::firstEntry)
                    .ifPresent(first -> remove(first.getKey()));
        }
    }

    void remove(String key) {
        @Nullable String bot = owners.remove(key);
        if (bot != null) {
            bots.computeIfPresent(bot, (_, records) -> {
                records.remove(key);
                return records.isEmpty() ? null : records;
            });
        }
    }

    /** Forgets what the topic keeps no longer. */
    void expire(long now) {
        bots.values().forEach(records -> records.values().removeIf(record -> now - record.time() > keptMillis));
        bots.values().removeIf(Map::isEmpty);
        owners.entrySet()
                .removeIf(owner -> !bots.containsKey(owner.getValue())
                        || !bots.get(owner.getValue()).containsKey(owner.getKey()));
    }

    /** Those of {@code bot}, in the order in which they came. */
    Stream<E> of(String bot) {
        return bots.getOrDefault(bot, new LinkedHashMap<>()).values().stream().map(Dated::value);
    }
}
