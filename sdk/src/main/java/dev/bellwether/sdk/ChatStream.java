package dev.bellwether.sdk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * One reply as it arrives in server-sent events, line by line.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">Server-sent events</a>
 */
final class ChatStream implements Flow.Subscriber<String> {
    private static final String END = "[DONE]";

    private final ChatListener listener;
    private final CompletableFuture<ChatResponse> result = new CompletableFuture<>();
    private final StringBuilder data = new StringBuilder();
    private final SortedMap<Integer, StringBuilder> texts = new TreeMap<>();
    private final SortedMap<Integer, String> ends = new TreeMap<>();
    private JsonNode envelope = MissingNode.getInstance();
    private JsonNode usage = MissingNode.getInstance();
    private JsonNode extension = MissingNode.getInstance();
    private Flow.@Nullable Subscription subscription;
    private volatile boolean begun;

    ChatStream(ChatListener listener) {
        this.listener = listener;
    }

    CompletableFuture<ChatResponse> result() {
        return result;
    }

    /** A failure of the connection; one that may be tried again only while nothing has arrived. */
    void fail(RuntimeException failure) {
        result.completeExceptionally(
                begun && failure instanceof ConnectionException
                        ? interrupted("The connection broke in the middle of the reply.", failure)
                        : failure);
    }

    private static StreamInterruptedException interrupted(String message, @Nullable Throwable cause) {
        return new StreamInterruptedException(BellwetherException.Failure.local("stream_interrupted", message, cause));
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        given.request(1);
    }

    @Override
    public void onNext(String line) {
        begun = true;
        try {
            take(line);
        } catch (RuntimeException e) {
            result.completeExceptionally(e);
        }
        if (subscription != null) {
            if (result.isDone()) {
                subscription.cancel();
            } else {
                subscription.request(1);
            }
        }
    }

    private void take(String line) {
        if (line.startsWith("data:")) {
            int from = line.startsWith("data: ") ? 6 : 5;
            data.append(data.isEmpty() ? "" : "\n").append(line, from, line.length());
        } else if (line.isEmpty() && !data.isEmpty()) {
            String event = data.toString();
            data.setLength(0);
            if (event.equals(END)) {
                result.complete(response());
            } else {
                chunk(Wire.read(event));
            }
        }
    }

    private void chunk(JsonNode json) {
        if (json.path("error").isObject()) {
            JsonNode error = json.path("error");
            throw new StreamInterruptedException(BellwetherException.Failure.local(
                    error.path("code").asText("stream_failed"),
                    error.path("message").asText("The reply could not be finished."),
                    null));
        }
        envelope = json;
        usage = json.path("usage").isObject() ? json.path("usage") : usage;
        extension = json.path("bellwether").isObject() ? json.path("bellwether") : extension;
        for (JsonNode choice : json.path("choices")) {
            int index = choice.path("index").asInt();
            String text = choice.path("delta").path("content").asText("");
            texts.computeIfAbsent(index, unused -> new StringBuilder()).append(text);
            if (!text.isEmpty()) {
                listener.onText(index, text);
            }
            String end = choice.path("finish_reason").asText("");
            if (!end.isEmpty()) {
                ends.put(index, end);
                listener.onEnd(index, end);
            }
        }
    }

    private ChatResponse response() {
        List<ChatResponse.Choice> choices = new ArrayList<>();
        texts.forEach((index, text) ->
                choices.add(new ChatResponse.Choice(index, text.toString(), ends.getOrDefault(index, ""))));
        return ChatResponse.of(envelope, choices, usage, extension);
    }

    @Override
    public void onError(Throwable thrown) {
        fail(Wire.failure(thrown));
    }

    @Override
    public void onComplete() {
        result.completeExceptionally(interrupted("The stream ended before the reply did.", null));
    }
}
