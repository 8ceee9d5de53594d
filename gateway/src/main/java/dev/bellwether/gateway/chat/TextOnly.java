package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.JsonFields;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which fields of OpenAI's request a bot of texts alone can serve: those it reads, and others where they ask for nothing
 * more than it does anyway, such as their defaults spelled out.
 *
 * @see <a href="https://platform.openai.com/docs/api-reference/chat/create">Create chat completion</a>
 */
final class TextOnly {
    private static final Set<String> READ = Set.of(
            "bellwether",
            "max_completion_tokens",
            "max_tokens",
            "messages",
            "metadata",
            "model",
            "n",
            "safety_identifier",
            "seed",
            "stop",
            "store",
            "stream",
            "stream_options",
            "temperature",
            "top_p",
            "user");

    private static final Map<String, Predicate<JsonNode>> NEUTRAL = Map.ofEntries(
            Map.entry(
                    "response_format",
                    format -> format.isObject()
                            && format.size() == 1
                            && format.path("type").asText().equals("text")),
            Map.entry("parallel_tool_calls", JsonNode::isBoolean),
            Map.entry("tool_choice", choice -> oneOf(choice, "none", "auto")),
            Map.entry("function_call", choice -> oneOf(choice, "none", "auto")),
            Map.entry("service_tier", tier -> oneOf(tier, "auto", "default")),
            Map.entry("reasoning_effort", effort -> oneOf(effort, "none")),
            Map.entry("verbosity", verbosity -> oneOf(verbosity, "medium")),
            Map.entry("modalities", list -> list.isArray() && list.size() == 1 && oneOf(list.get(0), "text")),
            Map.entry("prompt_cache_key", JsonNode::isTextual),
            Map.entry("prompt_cache_retention", JsonNode::isTextual),
            Map.entry("logprobs", flag -> flag.isBoolean() && !flag.booleanValue()),
            Map.entry("top_logprobs", TextOnly::zero),
            Map.entry("presence_penalty", TextOnly::zero),
            Map.entry("frequency_penalty", TextOnly::zero));

    private TextOnly() {}

    private static boolean oneOf(JsonNode value, String... texts) {
        return value.isTextual() && Set.of(texts).contains(value.textValue());
    }

    private static boolean zero(JsonNode value) {
        return value.isNumber() && value.asDouble() == 0;
    }

    /** Of a field that nobody here knows: what is empty or off asks for nothing. */
    private static boolean off(JsonNode value) {
        return value.isNull()
                || zero(value)
                || (value.isBoolean() && !value.booleanValue())
                || (value.isContainerNode() && value.isEmpty())
                || (value.isTextual() && value.textValue().isEmpty());
    }

    /** Names the first field that asks for more. */
    static Optional<ApiException> refusal(JsonFields request) {
        for (Map.Entry<String, JsonNode> field : request.json().properties()) {
            String name = field.getKey();
            Predicate<JsonNode> neutral = NEUTRAL.getOrDefault(name, _ -> false);
            if (!READ.contains(name) && !off(field.getValue()) && !neutral.test(field.getValue())) {
                return Optional.of(request.refusal(
                        name, "The field '%s' asks for more than this bot does; leave it out.".formatted(name)));
            }
        }
        return Optional.empty();
    }
}
