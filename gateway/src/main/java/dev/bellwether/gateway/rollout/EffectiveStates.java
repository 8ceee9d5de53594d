package dev.bellwether.gateway.rollout;

import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.serving.PolicyCatalog;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes announced states effective: a version serves once it is loaded, and until then the one before.
 *
 * <p>Loading takes seconds and runs beside the following, each bot by itself. What needs no loading takes effect at once:
 * nobody is given a version that was taken back, whatever is being loaded.
 */
final class EffectiveStates implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EffectiveStates.class);
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);

    /** A model of gigabytes takes so long, and one that takes longer says where it is. */
    private static final Duration LONG = Duration.ofSeconds(30);

    private final Supplier<Bots> bots;
    private final RolloutView view;
    private final PolicyCatalog catalog;
    private final Champions champions;
    private final LoadReports reports;
    private final Map<String, RolloutState> effective = new ConcurrentHashMap<>();

    /** The announced state of each bot that nothing is left to do for. */
    private final Map<String, RolloutState> done = new ConcurrentHashMap<>();

    /** Who works for which bot. */
    private final Map<String, Work> busy = new ConcurrentHashMap<>();

    /** The experiment of each bot whose candidate was loaded last, or could not be. */
    private final Map<String, String> tried = new ConcurrentHashMap<>();

    private final Set<String> attempted = ConcurrentHashMap.newKeySet();
    private final ExecutorService loaders = Executors.newCachedThreadPool(
            Thread.ofPlatform().name("version-loader-", 0).daemon().factory());
    private final Thread keeper =
            Thread.ofPlatform().name("version-keeper").daemon().unstarted(this::keep);
    private volatile boolean closing;

    /** Bots of the file as it was looked at last. */
    private Set<String> named = Set.of();

    EffectiveStates(Supplier<Bots> bots, RolloutView view, PolicyCatalog catalog, LoadReports reports) {
        this.bots = bots;
        this.view = view;
        this.catalog = catalog;
        this.champions = new Champions(catalog);
        this.reports = reports;
    }

    void start() {
        keeper.start();
    }

    /** The state by which users of {@code bot} are assigned now. */
    RolloutState of(String bot) {
        return Optional.ofNullable(effective.get(bot)).orElseGet(() -> initial(bot));
    }

    private RolloutState initial(String bot) {
        String champion = bots.get().find(bot).map(Bots.Bot::champion).orElse("default");
        return RolloutState.idle(bot, champions.first(bot, champion));
    }

    RolloutState announced(String bot) {
        return view.state(bot).orElseGet(() -> initial(bot));
    }

    /** Whether it was tried at least once to make the bot's last state effective. */
    boolean attempted(String bot) {
        return attempted.contains(bot);
    }

    /** Why a bot has no policy to serve, when that is more than a matter of seconds. */
    Optional<String> unavailable(String bot) {
        return champions.unavailable(bot, of(bot).champion());
    }

    /** A bot's state has changed: what needs no loading takes effect now. */
    void changed(String bot) {
        if (bots.get().find(bot).isEmpty()) {
            return;
        }
        RolloutState state = announced(bot);
        if (needed(state).allMatch(version -> catalog.holds(bot, version))) {
            effective.put(bot, state);
            return;
        }
        String candidate = of(bot).candidate();
        if (candidate != null && !candidate.equals(state.candidate()) && !candidate.equals(state.champion())) {
            effective.put(bot, withoutCandidate(of(bot)));
        }
    }

    private static Stream<String> needed(RolloutState state) {
        return Stream.concat(serving(state), Stream.ofNullable(state.anchor()).map(Anchor::version));
    }

    /** Those that no other may take the room of; the hold-out waits where there is none. */
    private static Stream<String> serving(RolloutState state) {
        return Stream.of(
                        Optional.of(state.champion()),
                        Optional.ofNullable(state.candidate()),
                        Optional.ofNullable(state.pinned()))
                .flatMap(Optional::stream);
    }

    private static RolloutState withoutCandidate(RolloutState state) {
        return state.change().candidate(null).experiment(null).candidateShare(0).build();
    }

    private static final class Work {
        private final long startNanos = System.nanoTime();
        private volatile @Nullable Thread thread;
        private boolean said;
    }

    private void keep() {
        while (!closing) {
            try {
                look();
                busy.forEach(this::watch);
            } catch (RuntimeException | Error e) {
                LOG.error("looking after the versions failed; it goes on", e);
            }
            try {
                Thread.sleep(LOOK_EVERY);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Says once what a load that takes long is doing. */
    private void watch(String bot, Work work) {
        Thread thread = work.thread;
        if (!work.said && thread != null && System.nanoTime() - work.startNanos > LONG.toNanos()) {
            work.said = true;
            LOG.warn(
                    "the versions of {} have been worked on for {} s: {}",
                    bot,
                    LONG.toSeconds(),
                    List.of(thread.getStackTrace()));
        }
    }

    private void look() {
        Bots now = bots.get();
        keepTo(now.bots().keySet());
        champions.newFile(now);
        // Who serves is known to stay, of every bot, before anything is loaded that may need room.
        now.bots().keySet().forEach(bot -> pin(bot, of(bot), announced(bot)));
        now.bots().forEach((bot, settings) -> {
            boolean open =
                    champions.wantsFirst(bot, settings) || !announced(bot).equals(done.get(bot));
            Work work = new Work();
            if (open && busy.putIfAbsent(bot, work) == null) {
                loaders.execute(() -> {
                    work.thread = Thread.currentThread();
                    work(bot, settings);
                });
            }
        });
    }

    private void work(String bot, Bots.Bot settings) {
        try {
            champions.loadFirst(bot, settings);
            RolloutState state = announced(bot);
            if (makeEffective(bot, state)) {
                done.put(bot, state);
            }
        } catch (RuntimeException | Error e) {
            LOG.error("the versions of {} cannot be looked after; it is tried again", bot, e);
        } finally {
            attempted.add(bot);
            busy.remove(bot);
        }
    }

    /** Bots that the file names no more are unloaded; one that it names again goes on where its rollout is. */
    private void keepTo(Set<String> names) {
        if (!names.equals(named)) {
            effective.keySet().retainAll(names);
            done.keySet().retainAll(names);
            attempted.retainAll(names);
            catalog.retainBots(names);
            named = Set.copyOf(names);
        }
    }

    /** False when the champion cannot be loaded: the one before serves on. */
    private boolean makeEffective(String bot, RolloutState state) {
        pin(bot, of(bot), state);
        if (!champions.load(bot, state.champion())) {
            return false;
        }
        if (!state.champion().equals(of(bot).champion())) {
            // It serves from here on, so that the one before may make room for the candidate.
            effective.put(bot, RolloutState.idle(bot, state.champion()));
        }
        pin(bot, state);
        RolloutState serving = withLoaded(bot, state);
        String candidate = state.candidate();
        String experiment = state.experiment();
        if (candidate != null && experiment != null) {
            Optional<String> refused = refused(bot, experiment, candidate);
            if (refused.isPresent()) {
                serving = withoutCandidate(serving);
                reports.unloadable(bot, experiment, candidate, refused.get());
            } else {
                reports.loaded(bot, experiment, candidate);
            }
        }
        if (state.equals(announced(bot))) {
            effective.put(bot, serving);
        }
        retain(bot, state);
        return true;
    }

    /** Without a pinned version or a hold-out whose version cannot be loaded. */
    private RolloutState withLoaded(String bot, RolloutState state) {
        RolloutState serving = state;
        String pinned = state.pinned();
        if (pinned != null && !champions.load(bot, pinned)) {
            serving = serving.change().pinned(null).build();
        }
        Anchor anchor = state.anchor();
        if (anchor != null && !champions.load(bot, anchor.version())) {
            serving = serving.change().anchor(null).build();
        }
        return serving;
    }

    /** Why the candidate cannot be loaded; one that was refused lately is tried again in another experiment alone. */
    private Optional<String> refused(String bot, String experiment, String candidate) {
        if (!experiment.equals(tried.put(bot, experiment))) {
            champions.forget(bot, candidate);
        }
        if (champions.wouldLoad(bot, candidate)) {
            reports.loading(bot, experiment, candidate);
        }
        return champions.load(bot, candidate) ? Optional.empty() : Optional.of(champions.reason(bot, candidate));
    }

    private void retain(String bot, RolloutState state) {
        Set<String> kept = new HashSet<>(Set.of(initial(bot).champion()));
        needed(state).forEach(kept::add);
        Optional.ofNullable(state.previous()).ifPresent(kept::add);
        kept.addAll(fallbacks(bot));
        catalog.retain(bot, kept);
    }

    private Set<String> fallbacks(String bot) {
        return bots.get()
                .find(bot)
                .map(settings -> Set.copyOf(settings.serving().fallbacks()))
                .orElse(Set.of());
    }

    /** Who serves by one of the states, and fallbacks, stay loaded; a way back to others is kept while there is room. */
    private void pin(String bot, RolloutState... states) {
        Set<String> versions = new HashSet<>(fallbacks(bot));
        for (RolloutState state : states) {
            serving(state).forEach(versions::add);
        }
        catalog.pin(bot, versions);
    }

    @Override
    public void close() {
        closing = true;
        keeper.interrupt();
        loaders.shutdownNow();
        try {
            keeper.join(Duration.ofSeconds(5));
            if (!loaders.awaitTermination(5, TimeUnit.SECONDS)) {
                LOG.warn("a version is still being loaded");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
