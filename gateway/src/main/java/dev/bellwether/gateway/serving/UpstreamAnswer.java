package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.Json;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What an upstream says in one exchange, whole or in chunks, as replies. */
final class UpstreamAnswer {
    private static final String DONE = "[DONE]";
    private static final Set<String> OWN = Set.of("id", "object", "created", "model", "choices", "usage", "error");

    private static final Set<String> OF_CHOICE = Set.of("index", "delta", "message", "finish_reason");

    private final Ask ask;
    private final UpstreamErrors errors;
    private final ReplyListener listener;
    private final Map<Integer, Choice> choices = new TreeMap<>();
    private @Nullable String model;
    private @Nullable ObjectNode usage;
    private final ObjectNode beside = Json.object();
    private boolean done;

    /** One reply as it comes. */
    private static final class Choice {
        private final MessageBuilder message = new MessageBuilder();

        /** Pieces that only announce the reply, until the first with something in it. */
        private final List<ObjectNode> announced = new ArrayList<>();

        private boolean begun;
        private @Nullable String finishReason;
    }

    UpstreamAnswer(Ask ask, UpstreamErrors errors, ReplyListener listener) {
        this.ask = ask;
        this.errors = errors;
        this.listener = listener;
    }

    /** Takes one event of a stream in and passes on what it says. */
    void take(String event) {
        if (event.strip().equals(DONE)) {
            done = true;
            return;
        }
        JsonNode chunk = parse(event);
        notice(chunk);
        for (JsonNode each : chunk.path("choices")) {
            take(each);
        }
    }

    private JsonNode parse(String json) {
        try {
            JsonNode parsed = Json.parseLeniently(json);
            if (!parsed.isObject()) {
                throw errors.garbage("no JSON object");
            }
            if (parsed.hasNonNull("error")) {
                JsonNode error = parsed.get("error");
                throw errors.garbage(error.path("message").asText(error.toString()));
            }
            return parsed;
        } catch (JsonProcessingException e) {
            throw errors.garbage("no JSON");
        }
    }

    private void notice(JsonNode json) {
        if (json.path("model").isTextual()) {
            model = json.path("model").textValue();
        }
        if (json.path("usage") instanceof ObjectNode counted) {
            usage = counted;
        }
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            if (!OWN.contains(field.getKey())) {
                beside.set(field.getKey(), field.getValue());
            }
        }
    }

    private void take(JsonNode json) {
        int index = json.path("index").asInt(0);
        if (index < 0 || index >= ask.choices()) {
            return;
        }
        Choice choice = choices.computeIfAbsent(index, _ -> new Choice());
        JsonNode delta = json.path("delta");
        choice.message.add(delta);
        if (delta instanceof ObjectNode piece && choice.finishReason == null) {
            pass(index, choice, piece, besides(json));
        }
        if (json.path("finish_reason").isTextual() && choice.finishReason == null) {
            choice.finishReason = json.path("finish_reason").textValue();
            flush(index, choice);
            listener.onEnd(index, reply(choice));
        }
    }

    private void pass(int index, Choice choice, ObjectNode piece, @Nullable ObjectNode besides) {
        choice.begun |= says(piece);
        if (!choice.begun) {
            choice.announced.add(piece);
            return;
        }
        flush(index, choice);
        if (!piece.isEmpty() || besides != null) {
            listener.onDelta(index, piece, besides);
        }
    }

    private void flush(int index, Choice choice) {
        choice.announced.forEach(piece -> {
            if (!piece.isEmpty()) {
                listener.onDelta(index, piece, null);
            }
        });
        choice.announced.clear();
    }

    /** Whether a delta holds more than the speaker's role. */
    private static boolean says(JsonNode delta) {
        return delta.properties().stream()
                .filter(field -> !field.getKey().equals("role"))
                .anyMatch(field -> !field.getValue().isNull()
                        && !(field.getValue().isTextual()
                                && field.getValue().textValue().isEmpty())
                        && !(field.getValue().isContainerNode()
                                && field.getValue().isEmpty()));
    }

    /** What stands beside a delta or a message in its choice, but null. */
    private static @Nullable ObjectNode besides(JsonNode choice) {
        ObjectNode found = null;
        for (Map.Entry<String, JsonNode> field : choice.properties()) {
            boolean known = OF_CHOICE.contains(field.getKey());
            if (!known && !field.getValue().isNull()) {
                found = found == null ? Json.object() : found;
                found.set(field.getKey(), field.getValue());
            }
        }
        return found;
    }

    private static GeneratedReply reply(Choice choice) {
        return GeneratedReply.upstream(
                choice.message.text(), String.valueOf(choice.finishReason), choice.message.message(), null);
    }

    /** Takes an answer in that came as one JSON object. */
    void takeWhole(Buffer body) {
        JsonNode json = parse(body.toString(StandardCharsets.UTF_8));
        notice(json);
        for (JsonNode each : json.path("choices")) {
            if (!(each.path("message") instanceof ObjectNode message) || choices.size() == ask.choices()) {
                continue;
            }
            int index = choices.size();
            Choice choice = new Choice();
            choice.finishReason = each.path("finish_reason").asText("stop");
            choices.put(index, choice);
            if (ask.stream()) {
                listener.onDelta(index, MessageBuilder.delta(message), besides(each));
            }
            String text = MessageBuilder.text(message.path("content"));
            listener.onEnd(index, GeneratedReply.upstream(text, choice.finishReason, message, besides(each)));
        }
        done = true;
    }

    /** Whether any reply has begun. */
    boolean begun() {
        return choices.values().stream().anyMatch(choice -> choice.begun || choice.finishReason != null);
    }

    /** Whether every reply that was asked for, or at least every one that was begun, has ended. */
    boolean ended(boolean allAsked) {
        return !choices.isEmpty()
                && (!allAsked || choices.size() == ask.choices())
                && choices.values().stream().allMatch(choice -> choice.finishReason != null);
    }

    /** Whether the service said that nothing more comes. */
    boolean complete() {
        return done;
    }

    /** Says that all is there, or why it is not. */
    void tell(Consumer<Totals> end, Consumer<PolicyException> fail) {
        if (choices.isEmpty()) {
            fail.accept(errors.garbage("no choice"));
        } else if (!ended(false) && !done) {
            fail.accept(errors.brokeOff());
        } else {
            choices.forEach((index, choice) -> {
                if (choice.finishReason == null) {
                    choice.finishReason = "stop";
                    flush(index, choice);
                    listener.onEnd(index, reply(choice));
                }
            });
            end.accept(totals());
        }
    }

    private Totals totals() {
        int prompt = usage == null ? 0 : usage.path("prompt_tokens").asInt(0);
        int completion = usage == null ? 0 : usage.path("completion_tokens").asInt(0);
        return new Totals(prompt, completion, model, usage, beside.isEmpty() ? null : beside, List.of());
    }
}
