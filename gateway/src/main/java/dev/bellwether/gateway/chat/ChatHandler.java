package dev.bellwether.gateway.chat;

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
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.policy.engine.Sampling;
import io.vertx.core.Context;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/chat/completions}: assigns the user to an arm, generates, records, and hands out the token. */
public final class ChatHandler {
    private static final Duration LOADING = Duration.ofSeconds(2);
    private static final Duration UNAVAILABLE = Duration.ofSeconds(10);

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
        // Redis answers on any event loop; a response is written on its own.
        Context loop = context.vertx().getOrCreateContext();
        limiter.count(caller.id(), perMinute)
                .onSuccess(decision -> loop.runOnContext(_ -> {
                    if (decision.allowed()) {
                        serve(context, request, bot.chat());
                    } else {
                        context.fail(ApiException.later(
                                429,
                                "rate_limit_exceeded",
                                "More than %d requests a minute.".formatted(perMinute),
                                decision.retryAfter()));
                    }
                }))
                .onFailure(context::fail);
    }

    private Exchange.Serving assign(String bot, @Nullable String userHash) {
        for (int attempt = 0; attempt < ASSIGNMENTS_MAX && rollouts.settled(); attempt++) {
            RolloutState state = rollouts.state(bot);
            Assignment assignment = Assignment.of(state, userHash);
            Optional<LocalPolicy.Use> use = catalog.use(bot, assignment.version());
            if (use.isPresent()) {
                return new Exchange.Serving(use.get(), assignment, state.experiment());
            }
        }
        if (rollouts.settled() && rollouts.unavailable(bot).isPresent()) {
            throw ApiException.later(
                    503,
                    "policy_unavailable",
                    "The bot's policy cannot be loaded; its rollout's status and the gateway's log say why.",
                    UNAVAILABLE);
        }
        throw ApiException.later(503, "policy_loading", "The bot's policy is being loaded.", LOADING);
    }

    private void serve(RoutingContext context, ChatRequest request, BotConfig config) {
        String bot = request.model();
        String userHash = request.user() == null ? null : secrets.derive("user:" + bot + ":" + request.user());
        Exchange.Serving serving;
        try {
            serving = assign(bot, userHash);
        } catch (RuntimeException e) {
            context.fail(e);
            return;
        }
        LocalPolicy policy = serving.use().policy();
        context.vertx()
                .executeBlocking(() -> prompt(policy, request), false)
                .onComplete(
                        prompt -> {
                            try (LocalPolicy.Use _ = serving.use()) {
                                exchange(context, request, config, serving, prompt, userHash)
                                        .start();
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

    private Exchange exchange(
            RoutingContext context,
            ChatRequest request,
            BotConfig config,
            Exchange.Serving serving,
            int[] prompt,
            @Nullable String userHash) {
        int limit = config.completionTokensMax();
        Sampling sampling = new Sampling(
                request.temperature().orElse(config.temperature()),
                request.topP().orElse(config.topP()),
                0,
                Math.min(limit, request.completionTokensMax().orElse(limit)),
                request.seed().orElseGet(random::nextLong));
        Exchange.Order order =
                new Exchange.Order(request, choices(request, config), sampling, prompt, userHash, serving);
        return new Exchange(context, order, journal, sealer, clock);
    }

    private int choices(ChatRequest request, BotConfig config) {
        boolean duel = request.n() == 1
                && (request.duel() == ChatRequest.Duel.ALWAYS
                        || (request.duel() == ChatRequest.Duel.AUTO && random.nextDouble() < config.duelShare()));
        return duel ? 2 : request.n();
    }
}
