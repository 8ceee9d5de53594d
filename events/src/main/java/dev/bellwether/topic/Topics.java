package dev.bellwether.topic;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RefreshRequest;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every topic of Bellwether. */
public final class Topics {
    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);
    private static final Duration MONTH = Duration.ofDays(30);

    /** How long what was judged, and what follows from it, is kept. */
    public static final Duration HALF_YEAR = Duration.ofDays(180);

    /** What is withdrawn is not left lying until enough else is. */
    public static final Duration COMPACTED_WITHIN = Duration.ofDays(7);

    /** Retention takes away whole segments, once the youngest record of one is old enough. */
    private static final Duration SEGMENT = Duration.ofDays(1);

    /** When nothing is left in any topic of what was erased now: what is not compacted, then, has expired. */
    public static final Duration ERASED_WITHIN = MONTH.plus(SEGMENT).plus(SEGMENT);

    /** Largest record: a judged interaction, a dead letter, a changelog's entry. */
    public static final int RECORD_BYTES_MAX = 4 << 20;

    private static final String TIMESTAMPS = "message.timestamp.type";
    private static final String BROKERS_TIME = "LogAppendTime";

    private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(30);

    public static final Topic<Interaction> INTERACTIONS = log("interactions", Interaction.class, MONTH);
    public static final Topic<Feedback> FEEDBACK = log("feedback", Feedback.class, MONTH);
    public static final Topic<RatedInteraction> RATED_INTERACTIONS =
            compacted("rated-interactions", RatedInteraction.class, HALF_YEAR);
    public static final Topic<PreferencePair> PREFERENCE_PAIRS =
            compacted("preference-pairs", PreferencePair.class, HALF_YEAR);
    public static final Topic<PolicyScorecard> POLICY_SCORECARDS =
            compacted("policy-scorecards", PolicyScorecard.class, HALF_YEAR);
    public static final Topic<RolloutCommand> ROLLOUT_COMMANDS = log("rollout-commands", RolloutCommand.class, MONTH);
    public static final Topic<RolloutState> ROLLOUT_STATE =
            new Topic<>("rollout-state", Map.of("cleanup.policy", "compact"), serde(RolloutState.class));
    public static final Topic<RolloutTransition> ROLLOUT_HISTORY =
            new Topic<>("rollout-history", Map.of("retention.ms", "-1"), serde(RolloutTransition.class));
    public static final Topic<RefreshRequest> REFRESH_REQUESTS =
            log("refresh-requests", RefreshRequest.class, Duration.ofDays(7));
    public static final Topic<RefreshProgress> REFRESH_PROGRESS =
            compacted("refresh-progress", RefreshProgress.class, HALF_YEAR);
    public static final Topic<Erasure> ERASURES = new Topic<>(
            "erasures",
            with(compacted("erasures", Erasure.class, HALF_YEAR).settings(), TIMESTAMPS, BROKERS_TIME),
            serde(Erasure.class));
    public static final Topic<DeadLetter> DEAD_LETTERS = log("dead-letters", DeadLetter.class, MONTH);

    public static final List<Topic<? extends Event>> ALL = List.of(
            INTERACTIONS,
            FEEDBACK,
            RATED_INTERACTIONS,
            PREFERENCE_PAIRS,
            POLICY_SCORECARDS,
            ROLLOUT_COMMANDS,
            ROLLOUT_STATE,
            ROLLOUT_HISTORY,
            REFRESH_REQUESTS,
            REFRESH_PROGRESS,
            ERASURES,
            DEAD_LETTERS);

    private Topics() {}

    private static <E extends Event> EventSerde<E> serde(Class<E> type) {
        return new EventSerde<>(type);
    }

    private static <E extends Event> Topic<E> log(String name, Class<E> type, Duration kept) {
        Map<String, String> settings = Map.of(
                "cleanup.policy",
                "delete",
                "retention.ms",
                Long.toString(kept.toMillis()),
                TIMESTAMPS,
                BROKERS_TIME,
                "segment.ms",
                Long.toString(SEGMENT.toMillis()),
                "max.message.bytes",
                Integer.toString(RECORD_BYTES_MAX));
        return new Topic<>(name, settings, serde(type));
    }

    private static <E extends Event> Topic<E> compacted(String name, Class<E> type, Duration kept) {
        Map<String, String> settings = Map.of(
                "cleanup.policy",
                "compact,delete",
                "retention.ms",
                Long.toString(kept.toMillis()),
                "delete.retention.ms",
                Long.toString(MONTH.toMillis()),
                "max.compaction.lag.ms",
                Long.toString(COMPACTED_WITHIN.toMillis()),
                "max.message.bytes",
                Integer.toString(RECORD_BYTES_MAX));
        return new Topic<>(name, settings, serde(type));
    }

    private static Map<String, String> with(Map<String, String> settings, String name, String value) {
        Map<String, String> all = new HashMap<>(settings);
        all.put(name, value);
        return Map.copyOf(all);
    }

    /**
     * Creates the topics that are missing, and returns once each of their partitions has a leader that answers.
     *
     * <p>A topic of an earlier version is given the settings that it lacks, since what users are promised of their data rests
     * on them; what an operator has set stays.
     *
     * <p>A topic is known before its leaders lead. An idempotent producer whose first batch is refused in that moment
     * and whose second is taken tries the first one until its delivery times out, two minutes later.
     *
     * @throws IllegalStateException when a topic has another number of partitions, or stamps another time on its
     *     records, naming the repair
     */
    public static void ensure(Admin admin, Layout layout) throws InterruptedException {
        try {
            Set<String> present = admin.listTopics().names().get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            List<NewTopic> missing = new ArrayList<>();
            for (Topic<? extends Event> topic : ALL) {
                if (!present.contains(topic.name())) {
                    missing.add(new NewTopic(topic.name(), layout.partitions(), layout.replication())
                            .configs(topic.settings()));
                }
            }
            create(admin, missing);
            verify(admin, layout.partitions());
            complete(admin);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the topics cannot be created: " + e.getMessage(), e);
        }
    }

    private static void create(Admin admin, List<NewTopic> missing)
            throws InterruptedException, ExecutionException, TimeoutException {
        for (var creation : admin.createTopics(missing).values().values()) {
            try {
                creation.get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        }
        awaitLeaders(admin, missing);
    }

    private static void awaitLeaders(Admin admin, List<NewTopic> created)
            throws InterruptedException, ExecutionException, TimeoutException {
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        for (NewTopic topic : created) {
            for (int partition = 0; partition < topic.numPartitions(); partition++) {
                ends.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
            }
        }
        admin.listOffsets(ends).all().get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static void verify(Admin admin, int expected)
            throws InterruptedException, ExecutionException, TimeoutException {
        List<String> names = ALL.stream().map(Topic::name).toList();
        Map<String, TopicDescription> actual =
                admin.describeTopics(names).allTopicNames().get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        actual.forEach((name, description) -> {
            int partitions = description.partitions().size();
            if (partitions != expected) {
                throw new IllegalStateException(
                        "topic %s has %d partitions, needed are %d; copy its records to a topic of that size, delete it and start again, or set BELLWETHER_PARTITIONS to %d everywhere if all topics have as many"
                                .formatted(name, partitions, expected, partitions));
            }
        });
        verifyTime(admin);
    }

    private static void complete(Admin admin) throws InterruptedException, ExecutionException, TimeoutException {
        Map<String, Map<String, String>> wanted = new HashMap<>();
        ALL.forEach(topic -> wanted.put(topic.name(), topic.settings()));
        Map<ConfigResource, Collection<AlterConfigOp>> lacking = new HashMap<>();
        List<ConfigResource> topics = wanted.keySet().stream()
                .map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name))
                .toList();
        admin.describeConfigs(topics)
                .all()
                .get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .forEach((topic, config) -> {
                    List<AlterConfigOp> missing = new ArrayList<>();
                    wanted.getOrDefault(topic.name(), Map.of()).forEach((name, value) -> {
                        ConfigEntry known = config.get(name);
                        if (known == null || known.source() != ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) {
                            missing.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET));
                        }
                    });
                    if (!missing.isEmpty()) {
                        lacking.put(topic, missing);
                    }
                });
        if (!lacking.isEmpty()) {
            LOG.warn("topics are given settings that they lack: {}", lacking);
            try {
                admin.incrementalAlterConfigs(lacking).all().get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException e) {
                LOG.error(
                        "the brokers refuse that; set it by hand, or erased data stay for longer than users are told",
                        e);
            }
        }
    }

    private static void verifyTime(Admin admin) throws InterruptedException, ExecutionException, TimeoutException {
        List<ConfigResource> stamped = ALL.stream()
                .filter(topic -> topic.settings().containsKey(TIMESTAMPS))
                .map(topic -> new ConfigResource(ConfigResource.Type.TOPIC, topic.name()))
                .toList();
        admin.describeConfigs(stamped)
                .all()
                .get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .forEach((resource, config) -> {
                    String actual = config.get(TIMESTAMPS).value();
                    if (!actual.equals(BROKERS_TIME)) {
                        throw new IllegalStateException(
                                "topic %s has %s %s; set it to %s, so that no service's clock moves the stream, and start again"
                                        .formatted(resource.name(), TIMESTAMPS, actual, BROKERS_TIME));
                    }
                });
    }
}
