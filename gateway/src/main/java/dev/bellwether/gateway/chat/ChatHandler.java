package dev.bellwether.gateway.chat;

import com.github.f4b6a3.uuid.UuidCreator;
import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.RolloutState;
import dev.bellwether.gateway.bots.BotConfig;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.bots.Bots.Bot;
import dev.bellwether.gateway.feedback.FeedbackToken;
import dev.bellwether.gateway.feedback.TokenKeys;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Authentication;
import dev.bellwether.gateway.http.Authentication.Caller;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.limits.RateLimiter;
import dev.bellwether.gateway.rollout.Assignment;
import dev.bellwether.gateway.rollout.RolloutFollower;
import dev.bellwether.gateway.serving.LocalPolicy;
import dev.bellwether.gateway.serving.LocalPolicy.GeneratedReply;
import dev.bellwether.gateway.serving.PolicyCatalog;
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
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code POST /v1/chat/completions}: assigns the user to an arm, generates, records, and hands out the token. */
public final class ChatHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ChatHandler.class);
    private static final Duration GENERATION_TIMEOUT = Duration.ofSeconds(60);

    /** How long a reply waits to be durable; later it goes out without a token. */
    private static final Duration RECORD_LIMIT = Duration.ofSeconds(2);

    /** A version may be unloaded between assignment and use; the next state then names another. */
    private static final int ASSIGNMENTS_MAX = 3;

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final RateLimiter limiter;
    private final RolloutFollower rollouts;
    private final PolicyCatalog catalog;
    private final EventJournal journal;
    private final TokenKeys secrets;
    private final FeedbackToken.Sealer sealer;
    private final Clock clock;
    private final RandomGenerator random;

    public ChatHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            RateLimiter limiter,
            RolloutFollower rollouts,
            PolicyCatalog catalog,
            EventJournal journal,
            TokenKeys secrets,
            Clock clock,
            RandomGenerator random) {
        this.bots = bots;
        this.authentication = authentication;
        this.limiter = limiter;
        this.rollouts = rollouts;
        this.catalog = catalog;
        this.journal = journal;
        this.secrets = secrets;
        this.sealer = new FeedbackToken.Sealer(secrets, clock);
        this.clock = clock;
        this.random = random;
    }

    public void handle(RoutingContext context) {
        authentication.require(context);
        ChatRequest request = ChatRequest.parse(Json.parse(context.body().buffer()));
        Optional<Bot> known = bots.get().find(request.model());
        Caller caller = authentication.chat(
                context, request.model(), known.map(bot -> bot.chat().page()).orElse(false));
        Bot bot = known.orElseThrow(() -> ApiException.field(
                404, "model_not_found", "model", "The bot '%s' does not exist.".formatted(request.model())));
        int perMinute =
                caller.page() ? bot.chat().pageRequestsPerMinute() : bot.chat().requestsPerMinute();
        limiter.count(caller.id(), perMinute)
                .onSuccess(decision -> {
                    if (!decision.allowed()) {
                        context.fail(ApiException.later(
                                429,
                                "rate_limit_exceeded",
                                "More than %d requests a minute.".formatted(perMinute),
                                decision.retryAfter()));
                        return;
                    }
                    try {
                        serve(context, request, bot.chat());
                    } catch (RuntimeException e) {
                        context.fail(e);
                    }
                })
                .onFailure(context::fail);
    }

    /** Who serves a request, and by which state of the rollout. */
    private record Serving(
            LocalPolicy.Use use,
            Assignment assignment,
            @Nullable String experiment) {}

    private Serving assign(String bot, @Nullable String userHash) {
        for (int attempt = 0; attempt < ASSIGNMENTS_MAX; attempt++) {
            RolloutState state = rollouts.state(bot);
            Assignment assignment = Assignment.of(state, userHash);
            Optional<LocalPolicy.Use> use = catalog.use(bot, assignment.version());
            if (use.isPresent()) {
                return new Serving(use.get(), assignment, state.experiment());
            }
        }
        throw ApiException.later(503, "policy_loading", "The bot's policy is being loaded.", Duration.ofSeconds(2));
    }

    private void serve(RoutingContext context, ChatRequest request, BotConfig config) {
        String bot = request.model();
        String userHash = request.user() == null ? null : secrets.derive("user:" + bot + ":" + request.user());
        Serving serving = assign(bot, userHash);
        LocalPolicy policy = serving.use().policy();
        context.vertx()
                .executeBlocking(() -> prompt(policy, request), false)
                .onComplete(
                        prompt -> {
                            try (LocalPolicy.Use _ = serving.use()) {
                                new Exchange(context, request, config, serving, prompt, userHash).start();
                            } catch (RuntimeException e) {
                                context.fail(e);
                            }
                        },
                        failure -> {
                            serving.use().close();
                            context.fail(failure);
                        });
    }

    private static int[] prompt(LocalPolicy policy, ChatRequest request) {
        int[] prompt = policy.prompt(request.turns());
        if (prompt.length > policy.promptTokensMax()) {
            throw ApiException.field(
                    422,
                    "context_length_exceeded",
                    "messages",
                    "The messages have %d tokens; this bot reads at most %d. Send fewer turns."
                            .formatted(prompt.length, policy.promptTokensMax()));
        }
        return prompt;
    }

    private int choices(ChatRequest request, BotConfig config) {
        boolean duel = request.n() == 1
                && (request.duel() == ChatRequest.Duel.ALWAYS
                        || (request.duel() == ChatRequest.Duel.AUTO && random.nextDouble() < config.duelShare()));
        return duel ? 2 : request.n();
    }

    /** One request under way; everything but {@link #start} runs on the request's event loop. */
    private final class Exchange {
        private final RoutingContext context;
        private final Context loop;
        private final ChatRequest request;
        private final LocalPolicy policy;
        private final int[] prompt;
        private final Assignment assignment;
        private final @Nullable String experiment;
        private final @Nullable String userHash;
        private final Sampling sampling;
        private final ChatReply objects;
        private final long startNanos = System.nanoTime();
        private final @Nullable ServerSentEvents stream;
        private final List<Generation> generations = new ArrayList<>();
        private final List<@Nullable GeneratedReply> replies = new ArrayList<>();
        private int unfinished;
        private boolean over;
        private boolean recorded;

        private Exchange(
                RoutingContext context,
                ChatRequest request,
                BotConfig config,
                Serving serving,
                int[] prompt,
                @Nullable String userHash) {
            this.context = context;
            this.loop = context.vertx().getOrCreateContext();
            this.request = request;
            this.policy = serving.use().policy();
            this.prompt = prompt;
            this.assignment = serving.assignment();
            this.experiment = serving.experiment();
            this.userHash = userHash;
            this.unfinished = choices(request, config);
            for (int i = 0; i < unfinished; i++) {
                replies.add(null);
            }
            int limit = config.completionTokensMax();
            this.sampling = new Sampling(
                    request.temperature().orElse(config.temperature()),
                    request.topP().orElse(config.topP()),
                    0,
                    Math.min(limit, request.completionTokensMax().orElse(limit)),
                    request.seed().orElseGet(random::nextLong));
            String interactionId = UuidCreator.getTimeOrderedEpoch().toString();
            String conversation = Optional.ofNullable(request.conversationId()).orElse(interactionId);
            this.objects = new ChatReply(interactionId, request.model(), conversation, clock.instant());
            this.stream = request.stream() ? new ServerSentEvents(context.response()) : null;
        }

        private void start() {
            if (context.response().closed()) {
                return;
            }
            context.response().closeHandler(closed -> abandon());
            context.response().exceptionHandler(failure -> abandon());
            for (int i = 0; i < replies.size(); i++) {
                try {
                    generations.add(policy.reply(
                            prompt,
                            sampling.withSeed(sampling.seed() + i),
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
                record(false)
                        .onFailure(failure -> LOG.warn("an interaction was not recorded: {}", failure.getMessage()));
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
                            sealer.seal(objects.interactionId(), request.model(), userHash, replies.size())))
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
                        .end(Json.write(objects.completion(finished, prompt.length, token)));
                return;
            }
            stream.send(objects.lastEnd(lastIndex, last.finishReason(), token));
            if (request.includeUsage()) {
                stream.send(objects.usageChunk(finished, prompt.length));
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
                        prompt.length,
                        reply.tokens(),
                        sampling.temperature(),
                        sampling.topP()));
            }
            Interaction interaction = new Interaction(
                    Event.SCHEMA,
                    objects.interactionId(),
                    request.model(),
                    objects.conversationId(),
                    userHash,
                    Turns.messages(request.turns()),
                    texts,
                    experiment,
                    assignment.arm(),
                    assignment.candidateShare(),
                    assignment.reason(),
                    complete,
                    (System.nanoTime() - startNanos) / 1_000_000,
                    Instant.now(clock).toEpochMilli(),
                    request.attributes());
            return journal.append(Topics.INTERACTIONS, objects.interactionId(), interaction);
        }
    }
}
