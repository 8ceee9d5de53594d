package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.bots.MemorySize;
import dev.bellwether.gateway.bots.ServingConfig;
import dev.bellwether.gateway.bots.VllmConfig;
import dev.bellwether.gateway.http.Lanes;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.StoredVersion;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.ModelFootprint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions that are loaded now, within the memory that models may take. A version that serves somebody stays;
 * others, kept for a way back, go when a new one needs their room, the one used least recently first.
 */
public final class PolicyCatalog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyCatalog.class);
    private static final int PROMPTS_WAITING_MAX = 256;

    private final PolicyStore store;
    private final Function<String, ServingConfig> serving;
    private final long memoryBytesMax;
    private final Upstreams upstreams;
    private final Lanes prompts = new Lanes("prompts", PROMPTS_WAITING_MAX);
    private final Map<Key, Entry> loaded = new ConcurrentHashMap<>();
    private final Map<String, Set<String>> pinned = new ConcurrentHashMap<>();
    /** Of versions that are being loaded; one bot's does not wait for another's. */
    private final Map<Key, ModelFootprint> reserved = new ConcurrentHashMap<>();

    /** Of versions that finish their last replies. */
    private final Map<Entry, Key> leaving = new HashMap<>();

    private final Map<Key, Object> loading = new ConcurrentHashMap<>();
    private final Set<Key> evicted = ConcurrentHashMap.newKeySet();

    private record Key(String bot, String version) {}

    private static final class Entry {
        private final Policy policy;
        private volatile long usedNanos = System.nanoTime();

        private Entry(Policy policy) {
            this.policy = policy;
        }
    }

    /** A loaded version and what it takes. */
    public record Loaded(String bot, String version, long memoryBytes) {}

    /**
     * @param serving what a bot's replies come from
     * @param memoryBytesMax of all loaded models together
     */
    public PolicyCatalog(
            PolicyStore store, Function<String, ServingConfig> serving, long memoryBytesMax, Upstreams upstreams) {
        this.store = store;
        this.serving = serving;
        this.memoryBytesMax = memoryBytesMax;
        this.upstreams = upstreams;
    }

    public boolean holds(String bot, String version) {
        return loaded.containsKey(new Key(bot, version));
    }

    /** Whether the version had to make room for another, and is not wanted since. */
    public boolean evicted(String bot, String version) {
        return evicted.contains(new Key(bot, version));
    }

    /** Whether the store has the version, loaded or not. */
    public boolean stores(String bot, String version) {
        try {
            return store.contains(bot, version);
        } catch (UnsupportedCheckpointException e) {
            return false;
        }
    }

    /** Whether every loaded version can answer; not while one's engine is being replaced. */
    public boolean ready() {
        return loaded.values().stream().allMatch(entry -> entry.policy.ready());
    }

    public long memoryBytesMax() {
        return memoryBytesMax;
    }

    /** What is loaded and takes memory here; what several share counts at the first. */
    public List<Loaded> loaded() {
        List<Loaded> all = new ArrayList<>();
        List<ModelFootprint> before = new ArrayList<>();
        loaded.entrySet().stream()
                .sorted(Map.Entry.comparingByKey(Comparator.comparing(Key::bot).thenComparing(Key::version)))
                .filter(each -> each.getValue().policy.footprint().bytes() > 0)
                .forEach(each -> {
                    long others = ModelFootprint.total(before);
                    before.add(each.getValue().policy.footprint());
                    all.add(new Loaded(
                            each.getKey().bot(), each.getKey().version(), ModelFootprint.total(before) - others));
                });
        return List.copyOf(all);
    }

    /** What the store has of a bot; reads the disk, so not on an event loop. */
    public List<StoredVersion> stored(String bot) throws IOException {
        return store.list(bot);
    }

    /** The version, kept open until the use is closed; empty unless it is loaded. */
    public Optional<Policy.Use> use(String bot, String version) {
        Entry entry = loaded.get(new Key(bot, version));
        if (entry == null) {
            return Optional.empty();
        }
        entry.usedNanos = System.nanoTime();
        return entry.policy.use();
    }

    /** Versions that serve somebody, or are about to: they do not make room for others, and one that did is wanted again. */
    public void pin(String bot, Set<String> versions) {
        pinned.put(bot, Set.copyOf(versions));
        evicted.removeIf(key -> key.bot().equals(bot) && versions.contains(key.version()));
    }

    /**
     * Loads a version unless it is loaded; takes seconds, so not on an event loop.
     *
     * @throws UnsupportedCheckpointException naming what is wrong with it, or that there is no room for it
     */
    public void load(String bot, String version) {
        Key key = new Key(bot, version);
        synchronized (loading.computeIfAbsent(key, _ -> new Object())) {
            try {
                loadOnce(bot, version, key);
            } finally {
                reserved.remove(key);
            }
        }
    }

    private void loadOnce(String bot, String version, Key key) {
        if (!loaded.containsKey(key)) {
            long start = System.nanoTime();
            Policy policy = open(key);
            loaded.put(key, new Entry(policy));
            evicted.remove(key);
            LOG.info(
                    "version {} of {} loaded in {} ms, it takes about {}",
                    version,
                    bot,
                    (System.nanoTime() - start) / 1_000_000,
                    MemorySize.text(policy.footprint().bytes()));
        }
    }

    private Policy open(Key key) {
        String bot = key.bot();
        String version = key.version();
        return switch (store.manifest(bot, version).artefactKind()) {
            case CHECKPOINT, ADAPTER -> weights(key, serving.apply(bot));
            case UPSTREAM -> upstreams.policy(bot, version, store.openUpstream(bot, version));
            case REWARD ->
                throw new UnsupportedCheckpointException(
                        "version %s of bot %s is a reward model, which serves nobody".formatted(version, bot));
        };
    }

    private Policy weights(Key key, ServingConfig settings) {
        VllmConfig vllm = settings.vllm();
        return vllm == null
                ? LocalPolicy.load(
                        store,
                        key.bot(),
                        key.version(),
                        settings.limits(),
                        prompts.of(key.bot()),
                        needed -> reserve(key, needed))
                : upstreams.vllm(store, key.bot(), key.version(), vllm, settings.recordTokens());
    }

    /** Room for a version that is about to be loaded, which others that are loaded meanwhile do not take. */
    private void reserve(Key key, ModelFootprint needed) {
        while (true) {
            Entry goes;
            synchronized (this) {
                awaitLeaving(needed);
                requireRoom(key, needed);
                if (total(taken(), needed) <= memoryBytesMax) {
                    reserved.put(key, needed);
                    return;
                }
                Key least = mayGo().getFirst();
                LOG.info(
                        "version {} of {} makes room for version {} of {}",
                        least.version(),
                        least.bot(),
                        key.version(),
                        key.bot());
                evicted.add(least);
                goes = leave(least);
            }
            close(goes);
        }
    }

    private static long total(Collection<ModelFootprint> taken, ModelFootprint... more) {
        List<ModelFootprint> all = new ArrayList<>(taken);
        all.addAll(List.of(more));
        return ModelFootprint.total(all);
    }

    private void requireRoom(Key key, ModelFootprint needed) {
        List<ModelFootprint> kept = new ArrayList<>(taken());
        mayGo().forEach(each -> footprint(each).ifPresent(kept::remove));
        if (total(kept, needed) > memoryBytesMax) {
            throw new UnsupportedCheckpointException(
                    ("version %s of %s takes about %s of memory; of the %s that models may take, versions that serve take"
                                    + " %s. Raise BELLWETHER_MODEL_MEMORY, or lower the bot's memory_max, context_max or"
                                    + " precision")
                            .formatted(
                                    key.version(),
                                    key.bot(),
                                    MemorySize.text(total(kept, needed) - total(kept)),
                                    MemorySize.text(memoryBytesMax),
                                    MemorySize.text(total(kept))));
        }
    }

    /** Those that serve nobody, the least recently used first. */
    private List<Key> mayGo() {
        return loaded.entrySet().stream()
                .filter(each -> each.getValue().policy.footprint().bytes() > 0 && !pinned(each.getKey()))
                .sorted(Comparator.comparingLong(each -> each.getValue().usedNanos))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Waits as long as there will be room once those that leave are gone. */
    private synchronized void awaitLeaving(ModelFootprint needed) {
        try {
            while (total(taken(), needed) <= memoryBytesMax && total(takenOrLeaving(), needed) > memoryBytesMax) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnsupportedCheckpointException("interrupted while waiting for room");
        }
    }

    private boolean pinned(Key key) {
        return pinned.getOrDefault(key.bot(), Set.of()).contains(key.version());
    }

    /** Of what is loaded, and of what is about to be. */
    private List<ModelFootprint> taken() {
        return Stream.concat(
                        reserved.entrySet().stream()
                                .filter(each -> !loaded.containsKey(each.getKey()))
                                .map(Map.Entry::getValue),
                        loaded.values().stream().map(entry -> entry.policy.footprint()))
                .toList();
    }

    private List<ModelFootprint> takenOrLeaving() {
        return Stream.concat(taken().stream(), leaving.keySet().stream().map(entry -> entry.policy.footprint()))
                .toList();
    }

    private Optional<ModelFootprint> footprint(Key key) {
        return Optional.ofNullable(loaded.get(key)).map(entry -> entry.policy.footprint());
    }

    /** Unloads the versions of {@code bot} that are not among {@code versions}, once their replies are done. */
    public void retain(String bot, Set<String> versions) {
        unload(key -> key.bot().equals(bot) && !versions.contains(key.version()));
    }

    /** Unloads every version of bots that are not among {@code bots}. */
    public void retainBots(Set<String> bots) {
        pinned.keySet().retainAll(bots);
        evicted.removeIf(key -> !bots.contains(key.bot()));
        unload(key -> !bots.contains(key.bot()));
    }

    private void unload(Predicate<Key> goes) {
        List<Entry> going;
        synchronized (this) {
            going = loaded.keySet().stream().filter(goes).toList().stream()
                    .map(this::leave)
                    .toList();
        }
        going.forEach(this::close);
    }

    /** Takes a version out of those that are loaded; its memory is free once it is closed. */
    private Entry leave(Key key) {
        Entry entry = Objects.requireNonNull(loaded.remove(key), "a version leaves once");
        leaving.put(entry, key);
        return entry;
    }

    /** Waits for its last replies, while others are loaded and leave. */
    private void close(Entry entry) {
        Key key = keyOf(entry);
        try {
            entry.policy.close();
            LOG.info("version {} of {} unloaded", key.version(), key.bot());
        } finally {
            synchronized (this) {
                leaving.remove(entry);
                notifyAll();
            }
        }
    }

    private synchronized Key keyOf(Entry entry) {
        return Objects.requireNonNull(leaving.get(entry));
    }

    @Override
    public synchronized void close() {
        loaded.values().forEach(entry -> entry.policy.close());
        loaded.clear();
        prompts.close();
        upstreams.close();
    }
}
