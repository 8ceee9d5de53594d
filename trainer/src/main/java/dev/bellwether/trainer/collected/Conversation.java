package dev.bellwether.trainer.collected;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Message;
import dev.bellwether.policy.prompt.Turn;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Turns as data sets write them: a list of messages, a transcript of {@code Human:} and {@code Assistant:}, or a plain text. */
final class Conversation {
    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");
    private static final Pattern SPEAKER = Pattern.compile("(?:\\A\\s*|\n\n)(Human|Assistant):");

    private Conversation() {}

    /** The turns of {@code value}; a plain text is one turn of {@code role}. */
    static List<Message> of(JsonNode value, String name, String role) {
        if (value.isTextual()) {
            String text = value.textValue();
            return isTranscript(text) ? transcript(text) : List.of(new Message(role, text));
        }
        if (!value.isArray() || value.isEmpty()) {
            throw new IllegalArgumentException("%s is a text or a list of messages, not %s".formatted(name, value));
        }
        List<Message> messages = new ArrayList<>();
        for (JsonNode message : value) {
            messages.add(message(message, name));
        }
        return messages;
    }

    private static Message message(JsonNode message, String name) {
        String role = message.path("role").asText();
        if (!ROLES.contains(role)) {
            throw new IllegalArgumentException(
                    "%s: role '%s' is none of system, developer, user, assistant and tool".formatted(name, role));
        }
        JsonNode content = message.path("content");
        boolean calls = message.path("tool_calls").isArray();
        if (!content.isTextual() && !(calls && (content.isNull() || content.isMissingNode()))) {
            throw new IllegalArgumentException("%s: content is a text, not %s".formatted(name, content));
        }
        return new Message(role, content.isTextual() ? content.textValue() : "", message.get("tool_calls"));
    }

    private static boolean isTranscript(String text) {
        return SPEAKER.matcher(text).lookingAt();
    }

    /** The turns of a transcript; one that is not said yet, at its end, is left out. */
    private static List<Message> transcript(String text) {
        List<Message> turns = new ArrayList<>();
        Matcher speaker = SPEAKER.matcher(text);
        String role = "";
        int from = 0;
        while (speaker.find()) {
            if (from > 0) {
                turns.add(
                        new Message(role, text.substring(from, speaker.start()).strip()));
            }
            role = speaker.group(1).equals("Human") ? "user" : "assistant";
            from = speaker.end();
        }
        String last = text.substring(from).strip();
        if (!last.isEmpty()) {
            turns.add(new Message(role, last));
        }
        return turns;
    }

    /** What an answer says behind the turns of {@code prompt}, which it may repeat. */
    static String reply(List<Message> prompt, List<Message> answer, String name) {
        boolean repeats = answer.size() > prompt.size()
                && answer.subList(0, prompt.size()).equals(prompt);
        List<Message> own = repeats ? answer.subList(prompt.size(), answer.size()) : answer;
        if (own.size() != 1 || !own.getFirst().role().equals("assistant")) {
            throw new IllegalArgumentException(
                    "%s is one message of the assistant behind the prompt, not %d".formatted(name, own.size()));
        }
        String said = Turn.said(own.getFirst().content(), own.getFirst().toolCalls());
        if (said.isBlank()) {
            throw new IllegalArgumentException("%s is empty".formatted(name));
        }
        return said.strip();
    }

    /** The prompt that two answers share. */
    static List<Message> shared(List<Message> one, List<Message> other) {
        int count = 0;
        while (count < Math.min(one.size(), other.size()) - 1 && one.get(count).equals(other.get(count))) {
            count++;
        }
        return one.subList(0, count);
    }
}
