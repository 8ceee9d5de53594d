package dev.bellwether.gateway.rollout;

import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.serving.PolicyCatalog;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads versions that serve, and remembers which of them could not be loaded and why; those are tried again after a while. */
final class Champions {
    private static final Logger LOG = LoggerFactory.getLogger(Champions.class);
    private static final Duration TRY_AGAIN = Duration.ofSeconds(30);

    private final PolicyCatalog catalog;
    private final Map<Key, Refusal> refused = new ConcurrentHashMap<>();

    /** The version of each bot that {@code bots.yaml} named and that was loaded last. */
    private final Map<String, String> first = new ConcurrentHashMap<>();

    private @Nullable Bots lastBots;

    private record Key(String bot, String version) {}

    private record Refusal(String why, long atNanos) {
        boolean recent() {
            return System.nanoTime() - atNanos < TRY_AGAIN.toNanos();
        }
    }

    Champions(PolicyCatalog catalog) {
        this.catalog = catalog;
    }

    /** A change of the file tries refused versions at once. */
    void newFile(Bots now) {
        if (!now.equals(lastBots)) {
            lastBots = now;
            refused.clear();
        }
    }

    /** Whether a bot's first version or a fallback is in the store by now, not loaded, and not refused lately. */
    boolean wantsFirst(String bot, Bots.Bot settings) {
        return firsts(bot, settings).anyMatch(version -> !refusedLately(new Key(bot, version)));
    }

    private Stream<String> firsts(String bot, Bots.Bot settings) {
        String champion = settings.champion();
        Stream<String> first = catalog.evicted(bot, champion) ? Stream.of() : Stream.of(champion);
        return Stream.concat(first, settings.serving().fallbacks().stream())
                .filter(version -> !catalog.holds(bot, version) && catalog.stores(bot, version));
    }

    void loadFirst(String bot, Bots.Bot settings) {
        firsts(bot, settings).toList().forEach(version -> load(bot, version));
        if (catalog.holds(bot, settings.champion())) {
            first.put(bot, settings.champion());
        }
    }

    private boolean refusedLately(Key key) {
        Refusal refusal = refused.get(key);
        return refusal != null && refusal.recent();
    }

    /** Before any rollout: the version of {@code bots.yaml}, or while that is not loaded, the one before. */
    String first(String bot, String named) {
        return catalog.holds(bot, named) ? named : first.getOrDefault(bot, named);
    }

    /** Whether the version is loaded now, which takes seconds; one refused lately is not tried. */
    boolean load(String bot, String version) {
        if (catalog.holds(bot, version)) {
            return true;
        }
        Key key = new Key(bot, version);
        if (refusedLately(key) || !catalog.stores(bot, version)) {
            return false;
        }
        try {
            catalog.load(bot, version);
            refused.remove(key);
            return true;
        } catch (RuntimeException | Error e) {
            refused.put(key, new Refusal(String.valueOf(e.getMessage()), System.nanoTime()));
            LOG.error(
                    "version {} of {} cannot be loaded and is tried again in {} s: {}",
                    version,
                    bot,
                    TRY_AGAIN.toSeconds(),
                    e.getMessage());
            return false;
        }
    }

    /** Whether {@link #load} would begin to load a version now. */
    boolean wouldLoad(String bot, String version) {
        return !catalog.holds(bot, version) && !refusedLately(new Key(bot, version)) && catalog.stores(bot, version);
    }

    /** Tries a version again at once. */
    void forget(String bot, String version) {
        refused.remove(new Key(bot, version));
    }

    /** Why a version was not loaded. */
    String reason(String bot, String version) {
        Refusal refusal = refused.get(new Key(bot, version));
        return refusal == null ? "version %s is not in the store".formatted(version) : refusal.why();
    }

    /** Why a version cannot be served, when that is more than a matter of seconds. */
    Optional<String> unavailable(String bot, String version) {
        if (catalog.holds(bot, version)) {
            return Optional.empty();
        }
        Refusal refusal = refused.get(new Key(bot, version));
        if (refusal != null) {
            return Optional.of("version %s cannot be loaded: %s".formatted(version, refusal.why()));
        }
        return catalog.stores(bot, version)
                ? Optional.empty()
                : Optional.of(
                        "version %s is not in the store; add it with `./bellwether version add`".formatted(version));
    }
}
