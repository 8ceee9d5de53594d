package dev.bellwether.stream;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.assignment.ProcessId;
import org.apache.kafka.streams.processor.internals.StreamsPartitionAssignor;
import org.apache.kafka.streams.processor.internals.assignment.StreamsAssignmentProtocolVersions;
import org.apache.kafka.streams.processor.internals.assignment.SubscriptionInfo;

/**
 * Kafka Streams' own division of tasks, but that of an instance's tasks each thread has those of the same partitions, of
 * every step its share.
 *
 * <p>Kafka Streams (4.3) gives an instance's threads the tasks that they had before, in the order of their steps, and after a
 * start the first thread counts as the owner of all that lie on the disk: it keeps the dear steps of every partition, and
 * the stream works at half its speed until it is started without its state. Here a task counts as had before by the thread
 * that it is due to. What really runs where is told apart from that: a task still ends in one thread before it begins in
 * another.
 */
public final class ThreadsByPartition extends StreamsPartitionAssignor {
    /** Of a consumer's settings, with which Kafka Streams has put its own division. */
    static Map<String, Object> in(Map<String, Object> consumer) {
        Map<String, Object> settings = new HashMap<>(consumer);
        settings.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, ThreadsByPartition.class.getName());
        return settings;
    }

    @Override
    public GroupAssignment assign(Cluster cluster, GroupSubscription group) {
        return super.assign(cluster, new GroupSubscription(dealt(group.groupSubscription())));
    }

    /** @param members of the group by their names: each a thread, which tells the tasks of its instance that it knows */
    static Map<String, Subscription> dealt(Map<String, Subscription> members) {
        Map<ProcessId, Map<String, SubscriptionInfo>> instances = new HashMap<>();
        members.forEach((name, member) -> {
            SubscriptionInfo info = SubscriptionInfo.decode(member.userData().duplicate());
            if (info.version() <= StreamsAssignmentProtocolVersions.LATEST_SUPPORTED_VERSION) {
                instances
                        .computeIfAbsent(info.processId(), _ -> new TreeMap<>())
                        .put(name, info);
            }
        });
        Map<String, Subscription> dealt = new HashMap<>(members);
        instances.values().forEach(threads -> deal(threads, dealt));
        return dealt;
    }

    private static void deal(Map<String, SubscriptionInfo> threads, Map<String, Subscription> members) {
        List<String> names = new ArrayList<>(threads.keySet());
        Map<String, Map<TaskId, Long>> tasks = new HashMap<>();
        threads.values()
                .forEach(each -> each.taskOffsetSums()
                        .forEach((task, offsets) -> tasks.computeIfAbsent(
                                        names.get(task.partition() % names.size()), _ -> new HashMap<>())
                                .put(task, offsets)));
        threads.forEach((name, info) -> members.computeIfPresent(
                name, (_, member) -> telling(member, info, tasks.getOrDefault(name, Map.of()))));
    }

    private static Subscription telling(Subscription member, SubscriptionInfo info, Map<TaskId, Long> tasks) {
        SubscriptionInfo other = new SubscriptionInfo(
                info.version(),
                info.latestSupportedVersion(),
                info.processId(),
                info.userEndPoint(),
                tasks,
                (byte) 0,
                info.errorCode(),
                info.clientTags());
        Subscription telling = new Subscription(
                member.topics(),
                other.encode(),
                member.ownedPartitions(),
                member.generationId().orElse(-1),
                member.rackId());
        telling.setGroupInstanceId(member.groupInstanceId());
        return telling;
    }
}
