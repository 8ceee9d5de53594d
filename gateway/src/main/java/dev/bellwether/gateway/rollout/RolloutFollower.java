package dev.bellwether.gateway.rollout;

import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.journal.CommandJournal;
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.policy.checkpoint.StoredVersion;
import dev.bellwether.topic.Layout;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Follows the rollouts: whom to give which version, by what Kafka said last.
 *
 * <p>It is four parts: {@link RolloutReader} reads, {@link RolloutView} holds what was read, {@link EffectiveStates} loads
 * and makes it effective, {@link LoadReports} says what cannot be loaded; and {@link StatesFile} to start from while Kafka
 * is away.
 */
public final class RolloutFollower implements AutoCloseable {
    /** How long a start waits for Kafka before it serves without knowing of rollouts. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    /** A state that was heard longer ago gives no candidate to anybody. */
    private static final Duration STALE_AFTER = Duration.ofMinutes(5);

    private static final Duration WRITTEN_EVERY = Duration.ofSeconds(30);

    private final Supplier<Bots> bots;
    private final PolicyCatalog catalog;
    private final Clock clock;
    private final RolloutView view = new RolloutView();
    private final EffectiveStates states;
    private final RolloutReader reader;
    private final StatesFile file;

    private volatile long startedNanos;
    private volatile long heardNanos;
    private volatile long heardMillis;
    private volatile boolean fromFile;

    /** When the file was written last, by this process. */
    private long writtenNanos;

    private boolean unwritten;

    /**
     * @param data folder of this gateway's own
     * @param gateway its lasting name among the others
     */
    public RolloutFollower(
            String kafka,
            Layout topics,
            Supplier<Bots> bots,
            PolicyCatalog catalog,
            CommandJournal journal,
            Path data,
            String gateway,
            Clock clock) {
        this.bots = bots;
        this.catalog = catalog;
        this.clock = clock;
        this.states = new EffectiveStates(bots, view, catalog, new LoadReports(journal, gateway, clock));
        this.reader = new RolloutReader(kafka, topics, view, this::changed, this::heard);
        this.file = new StatesFile(data.resolve("rollouts.json"));
    }

    public void start() {
        startedNanos = System.nanoTime();
        file.read().ifPresent(content -> {
            content.states().forEach(view::announce);
            heardMillis = content.heard();
            fromFile = true;
        });
        states.start();
        reader.start();
    }

    private void changed(String bot) {
        states.changed(bot);
        unwritten = true;
    }

    /** All that has changed since is written together: evidence changes every second, of every bot. */
    private void heard() {
        heardNanos = System.nanoTime();
        heardMillis = clock.millis();
        if (unwritten || heardNanos - writtenNanos > WRITTEN_EVERY.toNanos()) {
            unwritten = false;
            writtenNanos = heardNanos;
            file.write(heardMillis, view.states().values());
        }
    }

    /** Which version serves {@code user} of {@code bot} now. */
    public Assignment assign(String bot, @Nullable String user) {
        RolloutState state = state(bot);
        RolloutState.Anchor anchor = state.anchor();
        boolean held = anchor == null || catalog.holds(bot, anchor.version());
        return Assignment.of(held ? state : state.change().anchor(null).build(), user, stale());
    }

    /** Whether Kafka has been silent for too long for what it said last to be trusted. */
    private boolean stale() {
        long agoMillis = heardNanos == 0
                ? fromFile ? clock.millis() - heardMillis : 0
                : Duration.ofNanos(System.nanoTime() - heardNanos).toMillis();
        return agoMillis > STALE_AFTER.toMillis();
    }

    /** The state by which users of {@code bot} are assigned now. */
    public RolloutState state(String bot) {
        return states.of(bot);
    }

    /** The state as the rollout machine announced it, effective here or not yet. */
    RolloutState announced(String bot) {
        return states.announced(bot);
    }

    Optional<PolicyScorecard> scorecard(String bot, String experiment) {
        return view.scorecard(bot, experiment);
    }

    List<RolloutTransition> history(String bot) {
        return view.history(bot);
    }

    List<RefreshProgress> refreshes() {
        return view.refreshes();
    }

    /** What is loaded, and what it takes. */
    public List<PolicyCatalog.Loaded> loadedVersions() {
        return catalog.loaded();
    }

    public long memoryBytesMax() {
        return catalog.memoryBytesMax();
    }

    /** Whether every loaded version can answer. */
    public boolean enginesReady() {
        return catalog.ready();
    }

    List<StoredVersion> stored(String bot) throws IOException {
        return catalog.stored(bot);
    }

    /** Whether the store has a version of a bot. */
    boolean stores(String bot, String version) {
        return catalog.stores(bot, version);
    }

    /** Why a bot has no policy to serve, when that is more than a matter of seconds. */
    public Optional<String> unavailable(String bot) {
        return states.unavailable(bot);
    }

    /** Whether the states of the rollouts were read since the start. */
    boolean read() {
        return reader.read();
    }

    /** Whether it is known whom to serve what: by Kafka, by what it said before, or because it keeps a start waiting. */
    public boolean settled(String bot) {
        boolean known = reader.read() || fromFile || System.nanoTime() - startedNanos > GRACE.toNanos();
        return known && states.attempted(bot);
    }

    /** Whether Kafka answers; without it the gateway serves on what it knows. */
    public boolean connected() {
        return reader.connected();
    }

    /** Whether the bots have a policy to serve; one whose own is not to be had does not keep the others waiting. */
    public boolean ready() {
        return bots.get().bots().keySet().stream().allMatch(this::settled)
                && bots.get().bots().keySet().stream()
                        .anyMatch(bot -> catalog.holds(bot, state(bot).champion()));
    }

    @Override
    public void close() {
        reader.close();
        states.close();
    }
}
