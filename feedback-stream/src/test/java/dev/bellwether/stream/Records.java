package dev.bellwether.stream;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Answer;
import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Interactions and feedback of a bot, as short as tests need them. */
public final class Records {
    /** So that a name's place among the ids is its place among the names, as far as they are short. */
    private static final int TIMES = 1 << 20;

    private static final long VERSION_7 = 0x7000;

    private Records() {}

    /** A UUID of version 7 that stands for a name; its time follows from the name, {@code a@2} is two days later. */
    public static String id(String name) {
        return idAt(time(name), name);
    }

    /** The same, of {@code time}. */
    public static String idAt(long time, String name) {
        return new UUID(time << 16 | VERSION_7, Long.MIN_VALUE | name.hashCode()).toString();
    }

    private static long time(String name) {
        String[] parts = name.split("@", -1);
        long days = parts.length > 1 ? Long.parseLong(parts[1]) : 0;
        return Duration.ofDays(days).toMillis() + Math.floorMod(parts[0].hashCode(), TIMES);
    }

    public static Interaction interaction(String id, String question, String... replies) {
        return interaction(id, "user-" + id, null, Arm.CHAMPION, 0, question, replies);
    }

    public static Interaction interaction(
            String id,
            String user,
            @Nullable String experiment,
            Arm arm,
            double share,
            String question,
            String... replies) {
        List<Reply> texts = IntStream.range(0, replies.length)
                .mapToObj(side -> new Reply(replies[side], "default", side, "stop", 5, 5, .7, 1))
                .toList();
        return new Interaction(
                Event.SCHEMA,
                id(id),
                "support",
                "conversation",
                user,
                List.of(new Message("user", question)),
                texts,
                experiment,
                arm,
                share,
                experiment == null ? AssignmentReason.DEFAULT : AssignmentReason.SPLIT,
                true,
                10,
                time(id),
                Map.of(),
                null,
                null);
    }

    /** The same, as a fallback answered it after {@code version} had failed. */
    static Interaction afterFailure(Interaction each, String version) {
        return answered(
                each,
                new Answer(List.of(new Answer.Failure(version, "away")), null, 5, 5, 5, null, null, List.of(), null));
    }

    /** The same, its duel having asked the other arm's {@code version} in vain. */
    static Interaction afterRival(Interaction each, String version) {
        return answered(
                each, new Answer(List.of(), null, 5, 5, 5, null, new Answer.Failure(version, "away"), List.of(), null));
    }

    /** The same, a duel of the replies that the reward model doubts. */
    public static Interaction doubted(Interaction each) {
        return answered(each, new Answer(List.of(), null, 5, 5, 5, null, null, List.of(), true));
    }

    private static Interaction answered(Interaction each, Answer answer) {
        ObjectNode json = EventJson.mapper().valueToTree(each);
        json.set("answer", EventJson.mapper().valueToTree(answer));
        return EventJson.mapper().convertValue(json, Interaction.class);
    }

    /** The same, after so long. */
    static Interaction taking(Interaction each, Duration latency) {
        ObjectNode json = EventJson.mapper().valueToTree(each);
        json.put("latency_millis", latency.toMillis());
        return EventJson.mapper().convertValue(json, Interaction.class);
    }

    /** The same, its user being in this comparison with a hold-out. */
    static Interaction comparedIn(Interaction each, String holdout) {
        ObjectNode json = EventJson.mapper().valueToTree(each);
        json.put("holdout", holdout);
        return EventJson.mapper().convertValue(json, Interaction.class);
    }

    /** The same, its replies by these versions. */
    static Interaction withVersions(Interaction each, String... versions) {
        ObjectNode json = EventJson.mapper().valueToTree(each);
        for (int i = 0; i < versions.length; i++) {
            ((ObjectNode) json.path("replies").path(i)).put("version", versions[i]);
        }
        return EventJson.mapper().convertValue(json, Interaction.class);
    }

    public static Feedback feedback(String id, String interaction, long time, FeedbackSignal signal) {
        return new Feedback(
                Event.SCHEMA, id, id(interaction), 0, "user-" + interaction, Source.END_USER, signal, null, time);
    }

    public static Feedback withdrawal(String id, String interaction, long time, String withdrawn) {
        return new Feedback(
                Event.SCHEMA, id, id(interaction), 0, "user-" + interaction, Source.END_USER, null, withdrawn, time);
    }

    public static Thumb thumb(boolean up) {
        return new Thumb(up, List.of(), null);
    }
}
