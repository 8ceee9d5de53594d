package dev.bellwether.gateway.rollout;

import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.policy.checkpoint.StoredVersion;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the rollouts' states and makes them effective: a version serves once it is loaded, and one that cannot be
 * loaded is aborted while the old one serves on.
 */
public final class RolloutFollower implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RolloutFollower.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration LOOK_FOR_KAFKA = Duration.ofSeconds(5);

    /** How long a start waits for Kafka before it serves without knowing of rollouts. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    private static final int HISTORY_MAX = 200;
    private static final List<Topic<? extends Event>> FOLLOWED =
            List.of(Topics.ROLLOUT_STATE, Topics.POLICY_SCORECARDS, Topics.ROLLOUT_HISTORY, Topics.REFRESH_PROGRESS);

    private final String bootstrapServers;
    private final Layout topics;
    private final Supplier<Bots> bots;
    private final PolicyCatalog catalog;
    private final Champions champions;
    private final EventJournal journal;
    private final Clock clock;
    private final Map<String, RolloutState> announced = new ConcurrentHashMap<>();
    private final Map<String, RolloutState> effective = new ConcurrentHashMap<>();
    private final Map<String, PolicyScorecard> scorecards = new ConcurrentHashMap<>();
    private final Map<String, Deque<RolloutTransition>> history = new ConcurrentHashMap<>();
    private final Map<String, RefreshProgress> refreshes = new ConcurrentHashMap<>();
    private final Thread thread =
            Thread.ofPlatform().name("rollout-follower").daemon().unstarted(this::run);
    /** Bots of the file as it was looked at last. */
    private Set<String> named = Set.of();

    private volatile boolean closing;
    private volatile boolean connected;
    private volatile boolean loaded;
    private volatile long loadedNanos;

    /** Whether the states were read since the start, and whether they are effective. */
    private volatile boolean read;

    private volatile boolean followed;

    public RolloutFollower(
            String bootstrapServers,
            Layout topics,
            Supplier<Bots> bots,
            PolicyCatalog catalog,
            EventJournal journal,
            Clock clock) {
        this.bootstrapServers = bootstrapServers;
        this.topics = topics;
        this.bots = bots;
        this.catalog = catalog;
        this.champions = new Champions(catalog);
        this.journal = journal;
        this.clock = clock;
    }

    public void start() {
        thread.start();
    }

    /** The state by which users of {@code bot} are assigned now. */
    public RolloutState state(String bot) {
        RolloutState state = effective.get(bot);
        return state != null ? state : initial(bot);
    }

    private RolloutState initial(String bot) {
        String champion = bots.get().find(bot).map(Bots.Bot::champion).orElse("default");
        return RolloutState.idle(bot, champions.first(bot, champion));
    }

    /** The state as the rollout machine announced it, effective here or not yet. */
    RolloutState announced(String bot) {
        return Optional.ofNullable(announced.get(bot)).orElseGet(() -> initial(bot));
    }

    Optional<PolicyScorecard> scorecard(String bot) {
        return Optional.ofNullable(scorecards.get(bot));
    }

    List<RolloutTransition> history(String bot) {
        Deque<RolloutTransition> transitions = history.getOrDefault(bot, new ArrayDeque<>());
        synchronized (transitions) {
            return List.copyOf(transitions);
        }
    }

    List<RefreshProgress> refreshes() {
        return List.copyOf(refreshes.values());
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
        return champions.unavailable(bot, state(bot).champion());
    }

    /** Whether the states of the rollouts were read since the start. */
    boolean read() {
        return read;
    }

    /** Whether it is known whom to serve what: the states are effective, or Kafka kept a start waiting for too long. */
    public boolean settled() {
        return followed || (loaded && !read && past(loadedNanos, GRACE));
    }

    private static boolean past(long startNanos, Duration limit) {
        return System.nanoTime() - startNanos > limit.toNanos();
    }

    /** Whether Kafka was reached; without it the gateway serves on what it knows. */
    public boolean connected() {
        return connected;
    }

    /** Whether the bots have a policy to serve; one whose own is not to be had does not keep the others waiting. */
    public boolean ready() {
        return loaded
                && settled()
                && bots.get().bots().keySet().stream()
                        .anyMatch(bot -> catalog.holds(bot, state(bot).champion()));
    }

    private void run() {
        while (!closing) {
            try {
                loadFirst(bots.get());
                if (!loaded) {
                    loadedNanos = System.nanoTime();
                    loaded = true;
                }
                follow();
            } catch (KafkaException e) {
                connected = false;
                LOG.warn("Kafka is away: {}", e.getMessage());
                pause();
            } catch (RuntimeException e) {
                LOG.error("following the rollouts failed; it starts over", e);
                pause();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void pause() {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private void follow() throws InterruptedException {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers))) {
            Topics.ensure(admin, topics);
        }
        try (KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        bootstrapServers,
                        ConsumerConfig.ISOLATION_LEVEL_CONFIG,
                        "read_committed",
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false),
                new StringDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            FOLLOWED.forEach(topic -> partitions.addAll(topic.partitions(consumer)));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            history.clear();
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            Set<String> changed = new HashSet<>();
            boolean caughtUp = false;
            long lookedNanos = System.nanoTime();
            while (!closing) {
                Bots now = bots.get();
                loadFirst(now);
                keepTo(now.bots().keySet(), changed);
                if (caughtUp && past(lookedNanos, LOOK_FOR_KAFKA)) {
                    connected = answers(consumer, partitions);
                    lookedNanos = System.nanoTime();
                }
                ConsumerRecords<String, byte[]> records = consumer.poll(POLL);
                records.forEach(record -> take(record).ifPresent(changed::add));
                // Old states are only read, never served: what counts is the last one before the start.
                if (caughtUp
                        || ends.entrySet().stream()
                                .allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
                    connected |= !caughtUp;
                    caughtUp = true;
                    read = true;
                    changed.removeIf(this::makeEffective);
                    followed = true;
                }
            }
        }
    }

    /** Who serves is known to stay, of every bot, before anything is loaded that may need room. */
    private void loadFirst(Bots now) {
        for (String bot : now.bots().keySet()) {
            pin(bot, state(bot), announced(bot));
        }
        champions.loadFirst(now);
    }

    /** Bots that the file names no more are unloaded; one that it names again goes on where its rollout is. */
    private void keepTo(Set<String> names, Set<String> changed) {
        if (names.equals(named)) {
            return;
        }
        announced.keySet().stream()
                .filter(bot -> names.contains(bot) && !named.contains(bot))
                .forEach(changed::add);
        effective.keySet().retainAll(names);
        catalog.retainBots(names);
        named = Set.copyOf(names);
    }

    /** Whether the brokers are there, which polling alone does not tell. */
    private static boolean answers(KafkaConsumer<String, byte[]> consumer, List<TopicPartition> partitions) {
        try {
            consumer.endOffsets(partitions, LOOK_FOR_KAFKA);
            return true;
        } catch (TimeoutException e) {
            LOG.warn("Kafka is away: {}", e.getMessage());
            return false;
        }
    }

    /** Takes a record in; the bot whose state changed, if one did. */
    private Optional<String> take(ConsumerRecord<String, byte[]> record) {
        if (record.value() == null) {
            return Optional.empty();
        }
        try {
            if (record.topic().equals(Topics.ROLLOUT_STATE.name())) {
                RolloutState state = read(Topics.ROLLOUT_STATE, record);
                announced.put(state.bot(), state);
                return Optional.of(state.bot());
            }
            if (record.topic().equals(Topics.POLICY_SCORECARDS.name())) {
                PolicyScorecard card = read(Topics.POLICY_SCORECARDS, record);
                scorecards.put(card.bot(), card);
            } else if (record.topic().equals(Topics.ROLLOUT_HISTORY.name())) {
                remember(read(Topics.ROLLOUT_HISTORY, record));
            } else {
                RefreshProgress progress = read(Topics.REFRESH_PROGRESS, record);
                refreshes.put(progress.refreshId(), progress);
            }
        } catch (SerializationException e) {
            LOG.error("a record of {} is passed over: {}", record.topic(), e.getMessage());
        }
        return Optional.empty();
    }

    private static <E extends Event> E read(Topic<E> topic, ConsumerRecord<String, byte[]> record) {
        return topic.valueSerde().deserializer().deserialize(topic.name(), record.value());
    }

    private void remember(RolloutTransition transition) {
        Deque<RolloutTransition> transitions = history.computeIfAbsent(transition.bot(), bot -> new ArrayDeque<>());
        synchronized (transitions) {
            transitions.addLast(transition);
            if (transitions.size() > HISTORY_MAX) {
                transitions.removeFirst();
            }
        }
    }

    /** False when the champion cannot be loaded: the one before serves on. */
    private boolean makeEffective(String bot) {
        if (bots.get().find(bot).isEmpty()) {
            return true;
        }
        RolloutState state = announced(bot);
        pin(bot, state(bot), state);
        if (!champions.load(bot, state.champion())) {
            return false;
        }
        if (!state.champion().equals(state(bot).champion())) {
            // It serves from here on, so that the one before may make room for the candidate.
            effective.put(bot, RolloutState.idle(bot, state.champion()));
        }
        pin(bot, state);
        String candidate = state.candidate();
        if (candidate != null && !loadCandidate(bot, candidate)) {
            effective.put(bot, RolloutState.idle(bot, state.champion()));
            return true;
        }
        effective.put(bot, state);
        Set<String> kept = new HashSet<>(List.of(state.champion(), initial(bot).champion()));
        Optional.ofNullable(state.candidate()).ifPresent(kept::add);
        Optional.ofNullable(state.previous()).ifPresent(kept::add);
        bots.get()
                .find(bot)
                .ifPresent(settings -> kept.addAll(settings.serving().fallbacks()));
        catalog.retain(bot, kept);
        return true;
    }

    /** Who serves by one of the states, and fallbacks, stay loaded; a way back to others is kept while there is room. */
    private void pin(String bot, RolloutState... states) {
        Set<String> versions = new HashSet<>();
        for (RolloutState state : states) {
            versions.add(state.champion());
            Optional.ofNullable(state.candidate()).ifPresent(versions::add);
        }
        bots.get()
                .find(bot)
                .ifPresent(settings -> versions.addAll(settings.serving().fallbacks()));
        catalog.pin(bot, versions);
    }

    private boolean loadCandidate(String bot, String candidate) {
        try {
            catalog.load(bot, candidate);
            return true;
        } catch (RuntimeException | Error e) {
            LOG.error("candidate {} of {} cannot be loaded and is aborted: {}", candidate, bot, e.getMessage());
            RolloutCommand abort = new RolloutCommand(
                    Event.SCHEMA,
                    UUID.randomUUID().toString(),
                    bot,
                    RolloutCommand.Action.ABORT,
                    candidate,
                    null,
                    "gateway",
                    "cannot be loaded: " + e.getMessage(),
                    clock.millis());
            journal.append(Topics.ROLLOUT_COMMANDS, bot, abort);
            return false;
        }
    }

    @Override
    public void close() {
        closing = true;
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
