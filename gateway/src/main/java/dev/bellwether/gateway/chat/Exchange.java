package dev.bellwether.gateway.chat;

import com.github.f4b6a3.uuid.UuidCreator;
import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Reply;
import dev.bellwether.gateway.feedback.FeedbackToken;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.rollout.Assignment;
import dev.bellwether.gateway.serving.LocalPolicy;
import dev.bellwether.gateway.serving.LocalPolicy.GeneratedReply;
import dev.bellwether.policy.engine.EngineOverloadedException;
import dev.bellwether.policy.engine.GenerationEngine.Generation;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.topic.Topics;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One chat request under way: its replies are generated, sent, recorded, and given a token for feedback. Everything but
 * {@link #start} runs on the request's event loop.
 */
final class Exchange {
    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);
    private static final Duration GENERATION_TIMEOUT = Duration.ofSeconds(60);

    /** How long a reply waits to be durable; later it goes out without a token. */
    private static final Duration RECORD_LIMIT = Duration.ofSeconds(2);

    private final RoutingContext context;
    private final Context loop;
    private final ChatRequest request;
    private final Order order;
    private final LocalPolicy policy;
    private final EventJournal journal;
    private final FeedbackToken.Sealer sealer;
    private final Clock clock;
    private final ChatReply objects;
    private final long startNanos = System.nanoTime();
    private final @Nullable ServerSentEvents stream;
    private final List<Generation> generations = new ArrayList<>();
    private final List<@Nullable GeneratedReply> replies = new ArrayList<>();
    private int unfinished;
    private boolean over;
    private boolean recorded;

    /** Who serves a request, and by which state of the rollout. */
    record Serving(
            LocalPolicy.Use use,
            Assignment assignment,
            @Nullable String experiment) {}

    /** What is to be generated: {@code choices} replies to the tokens of {@code prompt}. */
    record Order(
            ChatRequest request,
            int choices,
            Sampling sampling,
            int[] prompt,
            @Nullable String userHash,
            Serving serving) {}

    Exchange(RoutingContext context, Order order, EventJournal journal, FeedbackToken.Sealer sealer, Clock clock) {
        this.context = context;
        this.loop = context.vertx().getOrCreateContext();
        this.request = order.request();
        this.order = order;
        this.policy = order.serving().use().policy();
        this.journal = journal;
        this.sealer = sealer;
        this.clock = clock;
        this.unfinished = order.choices();
        for (int i = 0; i < unfinished; i++) {
            replies.add(null);
        }
        String interactionId = UuidCreator.getTimeOrderedEpoch().toString();
        String conversation = Optional.ofNullable(request.conversationId()).orElse(interactionId);
        this.objects = new ChatReply(interactionId, request.model(), conversation, clock.instant());
        this.stream = request.stream() ? new ServerSentEvents(context.response()) : null;
    }

    void start() {
        if (context.response().closed()) {
            return;
        }
        context.response().closeHandler(closed -> abandon());
        context.response().exceptionHandler(failure -> abandon());
        for (int i = 0; i < replies.size(); i++) {
            try {
                generations.add(policy.reply(
                        order.prompt(),
                        order.sampling().withSeed(order.sampling().seed() + i),
                        request.stops(),
                        GENERATION_TIMEOUT,
                        new Choice(i)));
            } catch (EngineOverloadedException e) {
                over = true;
                generations.forEach(Generation::cancel);
                throw ApiException.later(
                        429, "overloaded", "The bot is busy; try again shortly.", Duration.ofSeconds(1));
            }
        }
        if (stream != null) {
            for (int i = 0; i < replies.size(); i++) {
                stream.send(objects.opening(i));
            }
        }
    }

    private final class Choice implements LocalPolicy.ReplyListener {
        private final int index;

        private Choice(int index) {
            this.index = index;
        }

        @Override
        public void onText(String text) {
            if (stream != null) {
                loop.runOnContext(_ -> {
                    if (!over) {
                        stream.send(objects.text(index, text));
                    }
                });
            }
        }

        @Override
        public void onEnd(GeneratedReply reply) {
            loop.runOnContext(_ -> ended(index, reply));
        }

        @Override
        public void onFailure(RuntimeException failure) {
            loop.runOnContext(_ -> failed(failure));
        }
    }

    private void abandon() {
        if (!over) {
            over = true;
            cancel();
        }
    }

    /** Ends what is under way; the interaction counts as incomplete unless it is recorded already. */
    private void cancel() {
        generations.forEach(Generation::cancel);
        if (!recorded) {
            record(false).onFailure(failure -> LOG.warn("an interaction was not recorded: {}", failure.getMessage()));
        }
    }

    private void failed(RuntimeException failure) {
        if (over) {
            return;
        }
        over = true;
        cancel();
        LOG.error("version {} failed to generate", policy.version(), failure);
        if (stream != null) {
            stream.fail("generation_failed", "The reply could not be generated.");
        } else {
            context.fail(ApiException.of(500, "generation_failed", "The reply could not be generated."));
        }
    }

    private void ended(int index, GeneratedReply reply) {
        if (over) {
            return;
        }
        if (!reply.complete()) {
            failed(new IllegalStateException("the reply took longer than " + GENERATION_TIMEOUT));
            return;
        }
        replies.set(index, reply);
        unfinished--;
        if (unfinished > 0) {
            if (stream != null) {
                stream.send(objects.end(index, reply.finishReason()));
            }
            return;
        }
        record(true)
                .timeout(RECORD_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .map(_ -> Optional.of(
                        sealer.seal(objects.interactionId(), request.model(), order.userHash(), replies.size())))
                .otherwise(failure -> {
                    LOG.warn("an interaction was not recorded: {}", failure.getMessage());
                    return Optional.empty();
                })
                .onSuccess(token -> loop.runOnContext(_ -> finish(index, reply, token.orElse(null))));
    }

    private void finish(int lastIndex, GeneratedReply last, @Nullable String token) {
        if (over) {
            return;
        }
        over = true;
        List<GeneratedReply> finished = finished();
        if (stream == null) {
            context.response()
                    .putHeader("content-type", "application/json")
                    .end(Json.write(objects.completion(finished, order.prompt().length, token)));
            return;
        }
        stream.send(objects.lastEnd(lastIndex, last.finishReason(), token));
        if (request.includeUsage()) {
            stream.send(objects.usageChunk(finished, order.prompt().length));
        }
        stream.done();
    }

    private List<GeneratedReply> finished() {
        List<GeneratedReply> finished = new ArrayList<>();
        for (GeneratedReply reply : replies) {
            if (reply != null) {
                finished.add(reply);
            }
        }
        return finished;
    }

    private Future<Void> record(boolean complete) {
        recorded = true;
        List<Reply> texts = new ArrayList<>();
        for (GeneratedReply reply : finished()) {
            texts.add(new Reply(
                    reply.text(),
                    policy.version(),
                    texts.size(),
                    reply.finishReason(),
                    order.prompt().length,
                    reply.tokens(),
                    order.sampling().temperature(),
                    order.sampling().topP()));
        }
        Assignment assignment = order.serving().assignment();
        Interaction interaction = new Interaction(
                Event.SCHEMA,
                objects.interactionId(),
                request.model(),
                objects.conversationId(),
                order.userHash(),
                Turns.messages(request.turns()),
                texts,
                order.serving().experiment(),
                assignment.arm(),
                assignment.candidateShare(),
                assignment.reason(),
                complete,
                (System.nanoTime() - startNanos) / 1_000_000,
                Instant.now(clock).toEpochMilli(),
                request.attributes(),
                null);
        return journal.append(Topics.INTERACTIONS, objects.interactionId(), interaction);
    }
}
