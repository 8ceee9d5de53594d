package dev.bellwether.trainer.refresh;

import dev.bellwether.event.Event;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.RefreshRequest;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.refresh.Lease.Announcement;
import dev.bellwether.trainer.release.ErrorBudget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code trainer serve}: refreshes a bot when enough new judgements have come, or when asked to.
 *
 * <p>The consumer group of {@code refresh-requests} is the lease: the trainer to which a bot's partition is assigned
 * works for it. The refresh runs beside the loop, which keeps the lease alive.
 */
public final class RefreshService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RefreshService.class);
    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration RETRY = Duration.ofSeconds(30);
    private static final int RETRY_DOUBLINGS_MAX = 7;

    private final String kafka;
    private final Supplier<Map<String, BotRefresh>> bots;
    private final PolicyStore store;
    private final Training training;
    private final RefreshFolders folders;
    private final Clock clock;
    private final FeedbackLog log;
    private final KafkaConsumer<String, byte[]> requests;
    private final KafkaProducer<String, byte[]> producer;
    private final Set<String> asked = new HashSet<>();
    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<String, Instant> retryAt = new HashMap<>();
    private String refreshing = "";
    private @Nullable CompletableFuture<Void> running;
    private volatile boolean closing;

    /**
     * What a bot's refreshes go by.
     *
     * @param champion its first one
     * @param named versions that its settings name otherwise
     */
    public record BotRefresh(String champion, List<String> named, RefreshConfig config) {}

    /** Trains and examines a version from a snapshot, as planned. */
    interface Training {
        Report run(RefreshPlan plan, Snapshot snapshot, Path folder, RefreshListener listener) throws IOException;
    }

    /**
     * @param bots every bot's settings, as they are now
     */
    public RefreshService(
            String kafka, Supplier<Map<String, BotRefresh>> bots, PolicyStore store, Path data, Clock clock) {
        this(
                kafka,
                bots,
                store,
                data,
                clock,
                (plan, snapshot, folder, listener) ->
                        new Refresh(plan.order(), plan.config(), store, folder, listener, clock).run(snapshot));
    }

    RefreshService(
            String kafka,
            Supplier<Map<String, BotRefresh>> bots,
            PolicyStore store,
            Path data,
            Clock clock,
            Training training) {
        this.kafka = kafka;
        this.bots = bots;
        this.store = store;
        this.training = training;
        this.folders = new RefreshFolders(data);
        this.clock = clock;
        this.log = new FeedbackLog(kafka, clock);
        this.requests = new KafkaConsumer<>(
                Map.of(
                        ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ConsumerConfig.GROUP_ID_CONFIG,
                        "trainers",
                        ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG,
                        10_000,
                        ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
                        "earliest",
                        ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
                        false),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        requests.subscribe(List.of(Topics.REFRESH_REQUESTS.name()));
        this.producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                        true),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    /** Runs until {@link #close}. */
    public void run() throws IOException {
        folders.forgetInputs();
        while (!closing) {
            log.poll(POLL);
            requests.poll(Duration.ZERO).forEach(this::take);
            CompletableFuture<Void> current = running;
            if (current != null && current.isDone()) {
                ended(refreshing, current.isCompletedExceptionally() ? current.exceptionNow() : null);
                running = null;
                // Its snapshot may have been written after somebody asked to be forgotten, who was still in it.
                folders.forget(log.erasures());
                tidy(refreshing);
            }
            if (log.erasuresChanged()) {
                folders.forget(log.erasures());
            }
            if (running == null && log.caughtUp()) {
                bots.get().keySet().stream()
                        .filter(this::leased)
                        .sorted()
                        .filter(this::due)
                        .findFirst()
                        .ifPresent(this::start);
            }
        }
        requests.close();
        log.close();
        producer.close();
    }

    /** A bot whose refresh failed waits, twice as long each time, while the others have their turn. */
    private void ended(String bot, @Nullable Throwable failure) {
        if (failure == null) {
            failures.remove(bot);
            retryAt.remove(bot);
            return;
        }
        int count = failures.merge(bot, 1, Integer::sum);
        Duration wait = RETRY.multipliedBy(1L << Math.min(count - 1, RETRY_DOUBLINGS_MAX));
        retryAt.put(bot, clock.instant().plus(wait));
        LOG.error("the refresh of {} failed; it is tried again in {} s", bot, wait.toSeconds(), failure);
        if (!(failure instanceof LeaseLostException)) {
            folders.unfinished(bot).ifPresent(id -> {
                RefreshProgress waiting = new RefreshProgress(
                        Event.SCHEMA,
                        id,
                        bot,
                        "waiting",
                        0,
                        Map.of("retry_seconds", (double) wait.toSeconds()),
                        null,
                        String.valueOf(failure.getMessage()),
                        clock.millis());
                var _ = write(Topics.REFRESH_PROGRESS, id, waiting);
            });
        }
    }

    /** Takes away what the bot's refreshes of long ago left: their data, and those of their versions that nothing names. */
    private void tidy(String bot) {
        BotRefresh settings = bots.get().get(bot);
        if (settings == null) {
            return;
        }
        Set<String> used = new HashSet<>(settings.named());
        used.add(settings.champion());
        log.rollout(bot).map(RolloutState::versions).ifPresent(used::addAll);
        try {
            folders.tidy(bot, settings.config().kept(), store, used);
        } catch (IOException e) {
            LOG.warn("what old refreshes of {} left is not all taken away: {}", bot, e.getMessage());
        }
    }

    private void take(ConsumerRecord<String, byte[]> record) {
        try {
            RefreshRequest request =
                    Topics.REFRESH_REQUESTS.valueSerde().deserializer().deserialize(record.topic(), record.value());
            // It may be read again after a restart, though its refresh has begun since.
            if (request.time() > folders.begun(request.bot()).toEpochMilli()) {
                asked.add(request.bot());
            }
        } catch (SerializationException e) {
            LOG.error("a refresh request is passed over: {}", e.getMessage());
        }
    }

    private boolean leased(String bot) {
        int partition = Utils.toPositive(Utils.murmur2(Utils.utf8(bot)))
                % Topics.REFRESH_REQUESTS.partitions(requests).size();
        return requests.assignment().stream().anyMatch(assigned -> assigned.partition() == partition);
    }

    private boolean due(String bot) {
        BotRefresh settings = bots.get().get(bot);
        if (settings == null) {
            return false;
        }
        if (clock.instant().isBefore(retryAt.getOrDefault(bot, Instant.MIN)) && !failedOtherwise(bot, settings)) {
            return false;
        }
        if (folders.unfinished(bot).isPresent()) {
            return true;
        }
        boolean trying =
                log.rollout(bot).map(state -> state.candidate() != null).orElse(false);
        if (trying) {
            return false;
        }
        long fresh = log.judgements(bot, folders.learnedUntil(bot));
        RefreshConfig config = settings.config();
        return asked.contains(bot)
                || fresh >= config.judgements()
                || (fresh >= config.judgementsMin() && late(bot, config.interval()));
    }

    /** Whether the last refresh began long ago, or, where there was none, the first judgement came long ago. */
    private boolean late(String bot, Duration interval) {
        Instant begun = folders.begun(bot);
        Optional<Instant> since = begun.equals(Instant.EPOCH) ? log.judgedSince(bot) : Optional.of(begun);
        return since.filter(time -> Duration.between(time, clock.instant()).compareTo(interval) >= 0)
                .isPresent();
    }

    private void start(String bot) {
        BotRefresh settings = bots.get().get(bot);
        if (settings == null) {
            return;
        }
        refreshing = bot;
        try {
            Optional<String> unfinished = folders.unfinished(bot);
            if (unfinished.isPresent() && failedOtherwise(bot, settings)) {
                giveUp(bot, unfinished.get());
                unfinished = Optional.empty();
            }
            String id = unfinished.orElseGet(() -> folders.next(bot, clock.instant()));
            RefreshPlan plan = planned(bot, id, settings);
            if (asked.remove(bot) && asked.isEmpty()) {
                // A request counts as done when its refresh begins: one that waits is read again after a restart.
                requests.commitAsync();
            }
            Snapshot snapshot = log.snapshot(bot, plan.config().quarantine());
            running = CompletableFuture.runAsync(
                            () -> refresh(id, plan, snapshot),
                            command ->
                                    Thread.ofPlatform().name("refresh").daemon().start(command))
                    .whenComplete((_, _) -> log.wake());
        } catch (IOException e) {
            running = CompletableFuture.failedFuture(e);
        }
    }

    /** Whether the bot's refresh failed, and was planned with settings that are not the bot's any more. */
    private boolean failedOtherwise(String bot, BotRefresh settings) {
        try {
            Optional<String> unfinished = folders.unfinished(bot).filter(_ -> failures.containsKey(bot));
            Optional<RefreshPlan> plan =
                    unfinished.isPresent() ? RefreshPlan.read(folders.of(bot, unfinished.get())) : Optional.empty();
            return plan.filter(each ->
                            !each.config().withSeed(0).equals(settings.config().withSeed(0))
                                    || !each.order().origin().equals(settings.champion()))
                    .isPresent();
        } catch (IOException e) {
            LOG.warn("the plan of the refresh of {} cannot be read: {}", bot, e.getMessage());
            return false;
        }
    }

    /** Ends a refresh that failed, since it would fail again; another one begins with the settings of now. */
    private void giveUp(String bot, String id) throws IOException {
        Report report = new Report(
                null,
                0,
                0,
                Double.NaN,
                Double.NaN,
                0,
                false,
                List.of("it failed %d times; its settings have changed since, and another refresh begins"
                        .formatted(failures.getOrDefault(bot, 1))));
        folders.end(bot, id, clock.instant());
        var _ = write(Topics.REFRESH_PROGRESS, id, progress(id, bot, "done", 1, Map.of(), report));
        LOG.warn("refresh {} of {} failed and is given up, since the bot's settings have changed", id, bot);
        failures.remove(bot);
    }

    /** What the refresh was begun with, or is begun with now. */
    private RefreshPlan planned(String bot, String id, BotRefresh settings) throws IOException {
        Path folder = folders.of(bot, id);
        Optional<RefreshPlan> begun = RefreshPlan.read(folder);
        if (begun.isPresent()) {
            return begun.get();
        }
        String champion = log.rollout(bot).map(RolloutState::champion).orElse(settings.champion());
        RefreshPlan plan = new RefreshPlan(
                new Refresh.Order(
                        bot,
                        RefreshFolders.version(id),
                        settings.champion(),
                        champion,
                        Refresh.Until.PUBLISH,
                        ErrorBudget.level(folders.passed(bot))),
                // Chance does not repeat itself from refresh to refresh.
                settings.config().withSeed(settings.config().seed() + folders.count(bot)),
                log.judgedUntil(bot).toEpochMilli());
        folders.begin(id, plan);
        return plan;
    }

    private void refresh(String id, RefreshPlan plan, Snapshot snapshot) {
        Refresh.Order order = plan.order();
        Path folder = folders.of(order.bot(), id);
        LOG.info(
                "refresh {} of {} begins: {} judgements, {} pairs",
                id,
                order.bot(),
                snapshot.judgements(),
                snapshot.pairs().size());
        snapshot.leftOut().reasons().forEach(reason -> LOG.warn("refresh {} of {}: {}", id, order.bot(), reason));
        try (Lease lease = Lease.take(kafka, order.bot())) {
            RefreshListener listener = (stage, fraction, metrics) -> {
                LOG.info("refresh {} {} {} %: {}", id, stage, Math.round(100 * fraction), metrics);
                RefreshProgress progress = progress(id, order.bot(), stage, fraction, metrics, null);
                if (fraction < 1) {
                    var _ = write(Topics.REFRESH_PROGRESS, id, progress);
                } else {
                    // Whoever lost the lease finds out here, before the next stage.
                    tell(lease, Announcement.of(Topics.REFRESH_PROGRESS, id, progress));
                }
            };
            Report report = training.run(plan, snapshot, folder, listener);
            announce(lease, id, order.bot(), report);
            folders.end(order.bot(), id, clock.instant());
            LOG.info("refresh {} of {} is done: {}", id, order.bot(), report);
        } catch (IOException e) {
            throw new IllegalStateException("refresh %s failed: %s".formatted(id, e.getMessage()), e);
        }
    }

    private static void tell(Lease lease, Announcement announcement) {
        try {
            lease.announce(List.of(announcement));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private RefreshProgress progress(
            String id,
            String bot,
            String stage,
            double fraction,
            Map<String, Double> metrics,
            @Nullable Report report) {
        return new RefreshProgress(Event.SCHEMA, id, bot, stage, fraction, metrics, report, null, clock.millis());
    }

    /** The candidate, where there is one, and that the refresh is done: both or neither. */
    private void announce(Lease lease, String id, String bot, Report report) throws IOException {
        List<Announcement> records = new ArrayList<>();
        String version = report.version();
        if (report.passed() && version != null) {
            records.add(Announcement.of(
                    Topics.ROLLOUT_COMMANDS,
                    bot,
                    new RolloutCommand(
                            Event.SCHEMA,
                            "register-" + id,
                            bot,
                            RolloutCommand.Action.REGISTER,
                            version,
                            null,
                            "trainer",
                            "refresh " + id + " passed the release gate",
                            clock.millis())));
        }
        records.add(Announcement.of(Topics.REFRESH_PROGRESS, id, progress(id, bot, "done", 1, Map.of(), report)));
        lease.announce(records);
    }

    private <E extends Event> Future<?> write(Topic<E> topic, String key, E event) {
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        return producer.send(new ProducerRecord<>(topic.name(), key, bytes));
    }

    @Override
    public void close() {
        closing = true;
        log.wake();
    }
}
