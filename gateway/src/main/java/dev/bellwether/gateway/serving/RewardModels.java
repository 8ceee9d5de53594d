package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.bots.Bots.Bot;
import dev.bellwether.gateway.http.Lanes;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.prompt.Turn;
import io.vertx.core.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The newest reward model of each bot that chooses among several replies, taken from the store as it comes. */
public final class RewardModels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RewardModels.class);
    private static final Duration LOOK = Duration.ofSeconds(5);
    private static final int WAITING_MAX = 128;

    private final Supplier<Bots> bots;
    private final PolicyStore store;
    private final Lanes workers = new Lanes("reward", WAITING_MAX);
    private final Map<String, Loaded> loaded = new ConcurrentHashMap<>();
    private final Map<String, Refused> refused = new ConcurrentHashMap<>();
    private final Thread watcher =
            Thread.ofPlatform().name("reward-models").daemon().unstarted(this::watch);

    private record Loaded(String name, RewardScorer scorer) {}

    private record Refused(String name, String why) {}

    public RewardModels(Supplier<Bots> bots, PolicyStore store) {
        this.bots = bots;
        this.store = store;
    }

    public RewardModels start() {
        watcher.start();
        return this;
    }

    /** Whether a bot's replies can be scored now. */
    public boolean scores(String bot) {
        return loaded.containsKey(bot);
    }

    /** The name of the reward model that scores a bot's replies now. */
    public Optional<String> name(String bot) {
        return Optional.ofNullable(loaded.get(bot)).map(Loaded::name);
    }

    /** Why the newest reward model of a bot scores nothing, where that is so. */
    public Optional<String> refused(String bot) {
        return Optional.ofNullable(refused.get(bot))
                .map(each -> "reward model %s cannot be loaded: %s".formatted(each.name(), each.why()));
    }

    /** Scores of {@code replies}, in their order; fails where there is no model, too much to do, or one is too long. */
    public Future<List<Score>> score(String bot, List<Turn> prompt, List<String> replies) {
        return workers.of(bot).run(() -> {
            Loaded model = loaded.get(bot);
            if (model == null) {
                throw new IllegalStateException("there is no reward model for " + bot);
            }
            return model.scorer().score(prompt, replies);
        });
    }

    private void watch() {
        try {
            while (true) {
                Map<String, Bot> now = bots.get().bots();
                now.forEach((bot, settings) -> {
                    if (settings.serving().chooses()) {
                        look(bot);
                    }
                });
                loaded.keySet().stream()
                        .filter(bot ->
                                !now.containsKey(bot) || !now.get(bot).serving().chooses())
                        .forEach(this::unload);
                Thread.sleep(LOOK);
            }
        } catch (InterruptedException e) {
            LOG.debug("reward models are not looked for any more");
        }
    }

    private void look(String bot) {
        try {
            Optional<String> newest = store.newestReward(bot);
            Refused before = refused.get(bot);
            boolean known = before != null && newest.equals(Optional.of(before.name()));
            if (newest.isEmpty() || newest.equals(name(bot)) || known) {
                return;
            }
            try {
                replace(bot, newest.get());
                refused.remove(bot);
            } catch (RuntimeException | OutOfMemoryError e) {
                refused.put(bot, new Refused(newest.get(), String.valueOf(e.getMessage())));
                LOG.error("reward model {} of {} cannot be loaded: {}", newest.get(), bot, e.getMessage());
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("the store has no reward model of {} to read: {}", bot, e.getMessage());
        }
    }

    private void unload(String bot) {
        Loaded leaving = loaded.remove(bot);
        if (leaving != null) {
            leaving.scorer().close();
        }
    }

    private void replace(String bot, String name) {
        Loaded before = loaded.put(bot, new Loaded(name, RewardScorer.load(store, bot, name, 1)));
        LOG.info("replies of {} are scored by {}", bot, name);
        if (before != null) {
            before.scorer().close();
        }
    }

    @Override
    public void close() {
        watcher.interrupt();
        workers.close();
        loaded.values().forEach(each -> each.scorer().close());
        loaded.clear();
    }
}
