package dev.bellwether.trainer.collected;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One record of a file of judgements, in any of the formats that {@link FeedbackFile} names. */
final class JudgedRecord {
    private static final List<String> QUESTIONS = List.of("prompt", "messages", "question", "text");

    private JudgedRecord() {}

    /**
     * What the record says; nothing where nobody has judged yet.
     *
     * @throws IllegalArgumentException what is wrong with it
     */
    static List<Judged> read(JsonNode json) {
        if (!json.isObject()) {
            throw new IllegalArgumentException("it is no JSON object");
        }
        if (json.path("annotations").isArray()) {
            return annotated(json);
        }
        if (json.has("chosen") && json.has("rejected")) {
            return List.of(preference(json));
        }
        if (json.has("completion") && json.has("label")) {
            return List.of(thumb(json));
        }
        throw new IllegalArgumentException(
                json.has("messages") || json.has("completion")
                        ? "it judges nothing; what is to be learned by heart goes to `train sft --data`"
                        : "it has neither chosen and rejected, nor completion and label, nor annotations");
    }

    private static Judged preference(JsonNode json) {
        List<Message> chosen = Conversation.of(json.get("chosen"), "chosen", "assistant");
        List<Message> rejected = Conversation.of(json.get("rejected"), "rejected", "assistant");
        List<Message> prompt = json.hasNonNull("prompt")
                ? Conversation.of(json.get("prompt"), "prompt", "user")
                : Conversation.shared(chosen, rejected);
        return pair(prompt, chosen, rejected);
    }

    private static Judged pair(List<Message> prompt, List<Message> chosen, List<Message> rejected) {
        requireQuestion(prompt);
        return new Judged.Pair(
                prompt, Conversation.reply(prompt, chosen, "chosen"), Conversation.reply(prompt, rejected, "rejected"));
    }

    private static Judged thumb(JsonNode json) {
        if (!json.get("label").isBoolean()) {
            throw new IllegalArgumentException("label is true or false, not %s".formatted(json.get("label")));
        }
        List<Message> prompt = Conversation.of(json.path("prompt"), "prompt", "user");
        requireQuestion(prompt);
        List<Message> completion = Conversation.of(json.get("completion"), "completion", "assistant");
        return new Judged.Thumb(
                prompt,
                Conversation.reply(prompt, completion, "completion"),
                json.get("label").booleanValue());
    }

    private static void requireQuestion(List<Message> prompt) {
        if (prompt.isEmpty()
                || prompt.stream().allMatch(each -> each.content().isBlank() && each.toolCalls() == null)) {
            throw new IllegalArgumentException("the prompt is missing, or nothing is said in it");
        }
    }

    /** A task of Label Studio with a {@code Pairwise} control: each annotation that was not cancelled says which side is better. */
    private static List<Judged> annotated(JsonNode task) {
        JsonNode data = task.path("data");
        List<Judged> judged = new ArrayList<>();
        for (JsonNode annotation : task.path("annotations")) {
            Optional<String> selected = selected(annotation);
            if (selected.isEmpty() || annotation.path("was_cancelled").asBoolean()) {
                continue;
            }
            String stem = stem(data);
            List<Message> first = side(data, stem, '1');
            List<Message> second = side(data, stem, '2');
            boolean left = selected.get().equals("left");
            if (!left && !selected.get().equals("right")) {
                throw new IllegalArgumentException("selected is left or right, not '%s'".formatted(selected.get()));
            }
            judged.add(pair(question(data), left ? first : second, left ? second : first));
        }
        return judged;
    }

    private static Optional<String> selected(JsonNode annotation) {
        for (JsonNode result : annotation.path("result")) {
            if (result.path("type").asText().equals("pairwise")) {
                return Optional.of(result.path("value").path("selected").asText());
            }
        }
        return Optional.empty();
    }

    private static List<Message> question(JsonNode data) {
        return QUESTIONS.stream()
                .filter(data::hasNonNull)
                .findFirst()
                .map(name -> Conversation.of(data.get(name), name, "user"))
                .orElseThrow(() -> new IllegalArgumentException(
                        "data holds no prompt, under any of the names %s".formatted(QUESTIONS)));
    }

    /** What stands before 1 and 2 in the names of the two replies: {@code answer1} and {@code answer2}, say. */
    private static String stem(JsonNode data) {
        List<String> stems = data.properties().stream()
                .map(Map.Entry::getKey)
                .filter(name -> name.endsWith("1") && data.has(name.replaceFirst("1$", "2")))
                .toList();
        if (stems.size() != 1) {
            throw new IllegalArgumentException(
                    "data holds %d pairs of fields whose names end in 1 and 2, such as answer1 and answer2; needed is one"
                            .formatted(stems.size()));
        }
        return stems.getFirst().substring(0, stems.getFirst().length() - 1);
    }

    private static List<Message> side(JsonNode data, String stem, char number) {
        return Conversation.of(data.get(stem + number), stem + number, "assistant");
    }
}
