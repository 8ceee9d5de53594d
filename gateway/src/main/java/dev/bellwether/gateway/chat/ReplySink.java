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

    /** Server-sent events, closed by OpenAI's {@code [DONE]}; until the first one, a failure still has a status. */
    record Streamed(RoutingContext context, ChatReply objects, boolean includeUsage) implements ReplySink {
        private static final Buffer DATA = Buffer.buffer("data: ");
        private static final Buffer END = Buffer.buffer("\n\n");
        private static final Buffer DONE = Buffer.buffer("data: [DONE]\n\n");

        private void send(ObjectNode data) {
            HttpServerResponse response = context.response();
            if (response.ended() || response.closed()) {
                return;
            }
            if (!response.headWritten()) {
                response.setChunked(true)
                        .putHeader("content-type", "text/event-stream; charset=utf-8")
                        .putHeader("cache-control", "no-cache");
            }
            response.write(Buffer.buffer(256)
                    .appendBuffer(DATA)
                    .appendBytes(Json.bytes(data))
                    .appendBuffer(END));
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

        private void close(Buffer last) {
            if (!context.response().ended() && !context.response().closed()) {
                context.response().end(last);
            }
        }

        @Override
        public void fail(ApiException failure) {
            if (!context.response().headWritten()) {
                context.fail(failure);
                return;
            }
            ObjectNode json = Json.object();
            json.set("error", Errors.error(failure));
            send(json);
            close(Buffer.buffer());
        }
    }
}
