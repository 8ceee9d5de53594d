package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Errors;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.serving.GeneratedReply;
import dev.bellwether.gateway.serving.Totals;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** How replies reach their reader: whole, or piece by piece. */
sealed interface ReplySink {
    void delta(int choice, ObjectNode delta, @Nullable ObjectNode beside);

    /** A reply has ended, but for the last, which waits for its token. */
    void end(int choice, GeneratedReply reply);

    /**
     * All replies, in their order.
     *
     * @param lastEnded the reply whose end was not told yet
     * @param token for feedback; none where the interaction is not durable
     */
    void finish(SortedMap<Integer, GeneratedReply> replies, int lastEnded, Totals totals, @Nullable String token);

    void fail(ApiException failure);

    static ReplySink of(RoutingContext context, ChatReply objects, boolean stream, boolean includeUsage) {
        return stream ? new Streamed(context, objects, includeUsage) : new Whole(context, objects);
    }

    /** One JSON object when all is there. */
    record Whole(RoutingContext context, ChatReply objects) implements ReplySink {
        @Override
        public void delta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {}

        @Override
        public void end(int choice, GeneratedReply reply) {}

        @Override
        public void finish(
                SortedMap<Integer, GeneratedReply> replies, int lastEnded, Totals totals, @Nullable String token) {
            context.response()
                    .putHeader("content-type", "application/json")
                    .end(Json.write(objects.completion(replies, totals, token)));
        }

        @Override
        public void fail(ApiException failure) {
            context.fail(failure);
        }
    }

    /**
     * Server-sent events, closed by OpenAI's {@code [DONE]}; until the first one, a failure still has a status. Events
     * that come in one go leave in one go.
     */
    final class Streamed implements ReplySink {
        private static final byte[] DATA = "data: ".getBytes(StandardCharsets.UTF_8);
        private static final byte[] END = "\n\n".getBytes(StandardCharsets.UTF_8);
        private static final String DONE = "data: [DONE]\n\n";

        private final RoutingContext context;
        private final ChatReply objects;
        private final boolean includeUsage;
        private @Nullable Buffer waiting;

        Streamed(RoutingContext context, ChatReply objects, boolean includeUsage) {
            this.context = context;
            this.objects = objects;
            this.includeUsage = includeUsage;
        }

        private void send(ObjectNode data) {
            if (waiting == null) {
                waiting = Buffer.buffer(1_024);
                context.vertx().runOnContext(_ -> flush());
            }
            waiting.appendBytes(DATA).appendBytes(Json.bytes(data)).appendBytes(END);
        }

        private void flush() {
            Buffer events = waiting;
            waiting = null;
            if (events != null && open()) {
                context.response().write(events);
            }
        }

        /** Whether somebody still reads; the head goes out with the first event. */
        private boolean open() {
            HttpServerResponse response = context.response();
            if (response.ended() || response.closed()) {
                return false;
            }
            if (!response.headWritten()) {
                response.setChunked(true)
                        .putHeader("content-type", "text/event-stream; charset=utf-8")
                        .putHeader("cache-control", "no-cache");
            }
            return true;
        }

        @Override
        public void delta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
            send(objects.delta(choice, delta, beside));
        }

        @Override
        public void end(int choice, GeneratedReply reply) {
            send(objects.end(choice, reply.finishReason()));
        }

        @Override
        public void finish(
                SortedMap<Integer, GeneratedReply> replies, int lastEnded, Totals totals, @Nullable String token) {
            for (Map.Entry<Integer, GeneratedReply> reply : replies.entrySet()) {
                if (reply.getKey() == lastEnded) {
                    send(objects.lastEnd(lastEnded, reply.getValue().finishReason(), token));
                }
            }
            if (includeUsage) {
                send(objects.usageChunk(totals));
            }
            close(DONE);
        }

        private void close(String last) {
            Buffer events = waiting == null ? Buffer.buffer() : waiting;
            waiting = null;
            if (open()) {
                context.response().end(events.appendString(last));
            }
        }

        @Override
        public void fail(ApiException failure) {
            if (!context.response().headWritten() && waiting == null) {
                context.fail(failure);
                return;
            }
            ObjectNode json = Json.object();
            json.set("error", Errors.error(failure));
            send(json);
            close("");
        }
    }
}
