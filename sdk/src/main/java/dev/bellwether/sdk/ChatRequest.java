package dev.bellwether.sdk;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;

/** A conversation to be continued by a bot. Checked by the service, which answers 400 or 422 and names the field. */
public final class ChatRequest {
    private final ObjectNode json;

    private ChatRequest(ObjectNode json) {
        this.json = json;
    }

    /** One question to {@code bot}. */
    public static ChatRequest of(String bot, String question) {
        return builder(bot).message(Message.user(question)).build();
    }

    public static Builder builder(String bot) {
        return new Builder(bot);
    }

    ObjectNode json(boolean stream) {
        ObjectNode copy = json.deepCopy();
        if (stream) {
            copy.put("stream", true);
            copy.putObject("stream_options").put("include_usage", true);
        }
        return copy;
    }

    /** The request's JSON. */
    @Override
    public String toString() {
        return json.toString();
    }

    /** Puts a request together; what is left out is as the bot is set. */
    public static final class Builder {
        private final ObjectNode json = JsonNodeFactory.instance.objectNode();
        private final ArrayNode messages;
        private final ObjectNode extension = JsonNodeFactory.instance.objectNode();

        private Builder(String bot) {
            json.put("model", bot);
            messages = json.putArray("messages");
        }

        public Builder message(Message message) {
            messages.addObject().put("role", message.role()).put("content", message.content());
            return this;
        }

        public Builder messages(List<Message> all) {
            all.forEach(this::message);
            return this;
        }

        /** The end user, by any stable name; without one the judgements of this turn count for no experiment. */
        public Builder user(String user) {
            json.put("user", user);
            return this;
        }

        /** The conversation that this turn belongs to, as {@link ChatResponse#conversationId()} named it. */
        public Builder conversationId(String conversationId) {
            extension.put("conversation_id", conversationId);
            return this;
        }

        public Builder duel(Duel duel) {
            extension.put("duel", duel.wireName());
            return this;
        }

        /** Facts about the turn, kept with it. */
        public Builder attributes(Map<String, String> attributes) {
            ObjectNode pairs = extension.putObject("attributes");
            attributes.forEach(pairs::put);
            return this;
        }

        public Builder choices(int choices) {
            json.put("n", choices);
            return this;
        }

        public Builder temperature(double temperature) {
            json.put("temperature", temperature);
            return this;
        }

        public Builder topP(double topP) {
            json.put("top_p", topP);
            return this;
        }

        public Builder completionTokensMax(int tokens) {
            json.put("max_completion_tokens", tokens);
            return this;
        }

        public Builder stop(List<String> stops) {
            ArrayNode texts = json.putArray("stop");
            stops.forEach(texts::add);
            return this;
        }

        public Builder seed(long seed) {
            json.put("seed", seed);
            return this;
        }

        public ChatRequest build() {
            ObjectNode copy = json.deepCopy();
            if (!extension.isEmpty()) {
                copy.set("bellwether", extension.deepCopy());
            }
            return new ChatRequest(copy);
        }
    }
}
