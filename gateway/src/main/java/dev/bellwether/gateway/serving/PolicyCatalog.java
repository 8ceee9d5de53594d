package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.http.Workers;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.StoredVersion;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.ModelLimits;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The versions that are loaded now. */
public final class PolicyCatalog implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyCatalog.class);
    private static final int PROMPT_THREADS = 1;
    private static final int PROMPTS_WAITING_MAX = 256;

    private final PolicyStore store;
    private final Function<String, ModelLimits> limits;
    private final Upstreams upstreams;
    private final Workers prompts = new Workers("prompts", PROMPT_THREADS, PROMPTS_WAITING_MAX);
    private final Map<Key, Policy> loaded = new ConcurrentHashMap<>();

    private record Key(String bot, String version) {}

    /**
     * @param limits of a bot's models
     */
    public PolicyCatalog(PolicyStore store, Function<String, ModelLimits> limits, Upstreams upstreams) {
        this.store = store;
        this.limits = limits;
        this.upstreams = upstreams;
    }

    public boolean holds(String bot, String version) {
        return loaded.containsKey(new Key(bot, version));
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
        return loaded.values().stream().allMatch(Policy::ready);
    }

    /** What the store has of a bot; reads the disk, so not on an event loop. */
    public List<StoredVersion> stored(String bot) throws IOException {
        return store.list(bot);
    }

    /** The version, kept open until the use is closed; empty unless it is loaded. */
    public Optional<Policy.Use> use(String bot, String version) {
        return Optional.ofNullable(loaded.get(new Key(bot, version))).flatMap(Policy::use);
    }

    /**
     * Loads a version unless it is loaded; takes seconds, so not on an event loop.
     *
     * @throws UnsupportedCheckpointException naming what is wrong with it
     */
    public synchronized void load(String bot, String version) {
        Key key = new Key(bot, version);
        if (!loaded.containsKey(key)) {
            long start = System.nanoTime();
            loaded.put(key, open(bot, version));
            LOG.info("version {} of {} loaded in {} ms", version, bot, (System.nanoTime() - start) / 1_000_000);
        }
    }

    private Policy open(String bot, String version) {
        return switch (store.manifest(bot, version).artefactKind()) {
            case CHECKPOINT -> LocalPolicy.load(store, bot, version, limits.apply(bot), prompts);
            case UPSTREAM -> upstreams.policy(bot, version, store.openUpstream(bot, version));
            case REWARD ->
                throw new UnsupportedCheckpointException(
                        "version %s of bot %s is a reward model, which serves nobody".formatted(version, bot));
        };
    }

    /** Unloads the versions of {@code bot} that are not among {@code versions}, once their replies are done. */
    public void retain(String bot, Set<String> versions) {
        unload(key -> key.bot().equals(bot) && !versions.contains(key.version()));
    }

    /** Unloads every version of bots that are not among {@code bots}. */
    public void retainBots(Set<String> bots) {
        unload(key -> !bots.contains(key.bot()));
    }

    private synchronized void unload(Predicate<Key> goes) {
        for (Key key : Set.copyOf(loaded.keySet())) {
            if (goes.test(key)) {
                Policy policy = loaded.remove(key);
                if (policy != null) {
                    policy.close();
                    LOG.info("version {} of {} unloaded", key.version(), key.bot());
                }
            }
        }
    }

    @Override
    public synchronized void close() {
        loaded.values().forEach(Policy::close);
        loaded.clear();
        prompts.close();
        upstreams.close();
    }
}
