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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Interactions and feedback of a bot, as short as tests need them. */
public final class Records {
    private Records() {}

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
        List<Reply> texts = Arrays.stream(replies)
                .map(text -> new Reply(text, "default", 0, "stop", 5, 5, .7, 1))
                .toList();
        return new Interaction(
                Event.SCHEMA,
                id,
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
                id.hashCode(),
                Map.of(),
                null);
    }

    /** The same, as a fallback answered it after {@code version} had failed. */
    static Interaction afterFailure(Interaction each, String version) {
        ObjectNode json = EventJson.mapper().valueToTree(each);
        json.set(
                "answer",
                EventJson.mapper()
                        .valueToTree(new Answer(
                                List.of(new Answer.Failure(version, "away")), null, 5, 5, 5, null, List.of())));
        return EventJson.mapper().convertValue(json, Interaction.class);
    }

    public static Feedback feedback(String id, String interaction, long time, FeedbackSignal signal) {
        return new Feedback(
                Event.SCHEMA, id, interaction, 0, "user-" + interaction, Source.END_USER, signal, null, time);
    }

    public static Feedback withdrawal(String id, String interaction, long time, String withdrawn) {
        return new Feedback(
                Event.SCHEMA, id, interaction, 0, "user-" + interaction, Source.END_USER, null, withdrawn, time);
    }

    public static Thumb thumb(boolean up) {
        return new Thumb(up, List.of(), null);
    }
}
