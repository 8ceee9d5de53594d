package dev.bellwether.gateway.chat;

import com.github.f4b6a3.uuid.UuidCreator;
import dev.bellwether.event.RolloutState;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.Caller;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.access.Visitors;
import dev.bellwether.gateway.bots.BotConfig;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.bots.Bots.Bot;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.Cors;
import dev.bellwether.gateway.http.Requests;
import dev.bellwether.gateway.limits.Partition;
import dev.bellwether.gateway.limits.RateLimiter;
import dev.bellwether.gateway.rollout.Assignment;
import dev.bellwether.gateway.rollout.RolloutFollower;
import dev.bellwether.gateway.serving.AcrossArms;
import dev.bellwether.gateway.serving.Ask;
import dev.bellwether.gateway.serving.Choice;
import dev.bellwether.gateway.serving.Chooser;
import dev.bellwether.gateway.serving.FallbackChain;
import dev.bellwether.gateway.serving.Policy;
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.gateway.serving.Replies;
import dev.bellwether.gateway.serving.ReplyListener;
import dev.bellwether.gateway.serving.RewardModels;
import dev.bellwether.policy.engine.Sampling;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** {@code POST /v1/chat/completions}: assigns the user to an arm and asks that arm's version, then its fallbacks. */
public final class ChatHandler {
    private static final Duration LOADING = Duration.ofSeconds(2);
    private static final Duration UNAVAILABLE = Duration.ofSeconds(10);

    /** Versions end by themselves at the deadline; this is for one that does not. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final double TOP_P_LEAST = 1e-6;
    private static final int ASSIGNMENTS_MAX = 3;
    private static final int CANDIDATES_MAX = 16;

    /** Of the duels, where others are of replies that the reward model doubts: by these it is measured. */
    private static final double DUELS_AT_RANDOM = .25;

    private final Supplier<Bots> bots;
    private final Supplier<TokenKeys> secrets;
    private final Visitors visitors;
    private final RateLimiter limiter;
    private final RolloutFollower rollouts;
    private final PolicyCatalog catalog;
    private final RewardModels models;
    private final Recorder recorder;
    private final Clock clock;
    private final RandomGenerator random;
    private final Map<String, Lane> lanes = new ConcurrentHashMap<>();

    /** The places of one bot, so that it takes no other's. */
    private record Lane(int most, Partition places) {}

    public ChatHandler(
            Supplier<Bots> bots,
            Supplier<TokenKeys> secrets,
            Visitors visitors,
            RateLimiter limiter,
            RolloutFollower rollouts,
            PolicyCatalog catalog,
            RewardModels models,
            Recorder recorder,
            Clock clock,
            RandomGenerator random) {
        this.bots = bots;
        this.secrets = secrets;
        this.visitors = visitors;
        this.limiter = limiter;
        this.rollouts = rollouts;
        this.catalog = catalog;
        this.models = models;
        this.recorder = recorder;
        this.clock = clock;
        this.random = random;
    }

    /** Answers a chat whose caller was let pass and whose body was read. */
    public void handle(RoutingContext context) {
        Caller caller = Authentication.caller(context);
        ChatRequest request = ChatRequest.parse(Bodies.json(context));
        String name = request.model();
        caller.require(name);
        Bot bot = bots.get().find(name).orElseThrow(() -> Authentication.unknownBot(name));
        Cors.restrict(context, bot.chat().origins());
        if (caller instanceof Caller.Visitor) {
            visitors.welcome(context);
            request = request.fromVisitor(bot.chat().completionTokensMax());
        } else {
            limit(caller, name, bot.chat());
        }
        lane(name, bot.serving().concurrent()).enter(context);
        serve(context, request, bot, Caller.userHash(caller, name, request.user(), secrets.get()));
    }

    /** Counts a visitor before anything is read; an application is counted once it is known which bot it asks. */
    public void admitVisitor(RoutingContext context) {
        if (Authentication.caller(context) instanceof Caller.Visitor visitor) {
            bots.get().find(visitor.bot()).ifPresent(bot -> limit(visitor, visitor.bot(), bot.chat()));
        }
        context.next();
    }

    private void limit(Caller caller, String bot, BotConfig config) {
        int perMinute = caller instanceof Caller.Visitor ? config.pageRequestsPerMinute() : config.requestsPerMinute();
        RateLimiter.Decision decision = limiter.count(caller.name() + ":" + bot, perMinute);
        if (!decision.allowed()) {
            throw ApiException.later(
                    429,
                    "rate_limit_exceeded",
                    "More than %d requests a minute.".formatted(perMinute),
                    decision.retryAfter());
        }
    }

    private Partition lane(String bot, int most) {
        return lanes.compute(
                        bot,
                        (_, known) -> known != null && known.most() == most
                                ? known
                                : new Lane(most, new Partition("chat-" + bot, most)))
                .places();
    }

    private void serve(RoutingContext context, ChatRequest request, Bot bot, @Nullable String userHash) {
        String name = request.model();
        Serving serving = assign(name, bot, userHash);
        Ask ask = ask(context, request, bot.chat());
        String interactionId = UuidCreator.getTimeOrderedEpoch().toString();
        String conversation = request.conversationId() == null ? interactionId : request.conversationId();
        ChatReply objects = new ChatReply(interactionId, name, conversation, clock.instant());
        @Nullable String rival = rival(serving.assignment(), request, bot, ask);
        Optional<Choice> choice = rival == null ? choice(request, bot, ask) : Optional.empty();
        ReplySink sink = ReplySink.of(context, objects, request.stream(), request.includeUsage());
        Recorder.Subject subject = new Recorder.Subject(
                request,
                objects,
                serving.assignment(),
                serving.experiment(),
                userHash,
                ask.sampling().temperature(),
                ask.sampling().topP(),
                bot.serving(),
                bot.privacy(),
                choice.filter(Choice.DOUBTED::equals).isPresent());
        Exchange exchange = new Exchange(context, sink, recorder, subject);
        Replies replies = rival == null
                ? replies(serving, request, bot, ask, choice, exchange)
                : acrossArms(serving, request, bot, ask, rival, exchange);
        exchange.start(replies, ask.deadline().left().plus(GRACE));
    }

    private static boolean duel(ChatRequest request, Ask ask) {
        return request.n() == 1 && ask.choices() == 2;
    }

    private boolean choosesBest(ChatRequest request, Bot bot) {
        return bot.serving().bestOf() > 1 && models.scores(request.model());
    }

    /** The other arm's version for a duel between the arms; none where the user's own arm replies alone. */
    private @Nullable String rival(Assignment assignment, ChatRequest request, Bot bot, Ask ask) {
        return duel(request, ask) && !choosesBest(request, bot) ? assignment.rival() : null;
    }

    /** How replies are chosen of several; none where they go out as they come. */
    private Optional<Choice> choice(ChatRequest request, Bot bot, Ask ask) {
        boolean duel = duel(request, ask);
        if (duel && bot.serving().duelOf() > 2 && models.scores(request.model())) {
            return random.nextDouble() < DUELS_AT_RANDOM ? Optional.empty() : Optional.of(Choice.DOUBTED);
        }
        return choosesBest(request, bot) ? Optional.of(duel ? Choice.BEST_COMPARED : Choice.BEST) : Optional.empty();
    }

    private Replies acrossArms(
            Serving serving, ChatRequest request, Bot bot, Ask ask, String rival, Exchange exchange) {
        return new AcrossArms(
                versions(serving.assignment(), bot),
                rival,
                random.nextInt(2),
                serving.use(),
                version -> catalog.use(request.model(), version),
                ask,
                exchange);
    }

    /** Of the user's own arm, as many as are chosen from. */
    private Replies replies(
            Serving serving, ChatRequest request, Bot bot, Ask ask, Optional<Choice> choice, Exchange exchange) {
        Assignment assignment = serving.assignment();
        return new FallbackChain(
                versions(assignment, bot),
                version -> version.equals(assignment.version()) ? serving.use() : catalog.use(request.model(), version),
                choice.map(how -> ask.with(
                                how.equals(Choice.DOUBTED) ? bot.serving().duelOf() : candidates(ask, bot), false))
                        .orElse(ask),
                choice.<ReplyListener>map(how -> new Chooser(request.model(), models, how, ask, exchange))
                        .orElse(exchange));
    }

    private static int candidates(Ask ask, Bot bot) {
        return Math.max(
                ask.choices(),
                Math.min(CANDIDATES_MAX, ask.choices() * bot.serving().bestOf()));
    }

    /** Who serves a request, by which state of the rollout; the use is none where only a fallback can. */
    private record Serving(
            Optional<Policy.Use> use,
            Assignment assignment,
            @Nullable String experiment) {}

    /** A version may be unloaded between assignment and use; the next state then names another. */
    private Serving assign(String name, Bot bot, @Nullable String userHash) {
        if (!rollouts.settled(name)) {
            throw loading();
        }
        Serving serving = assign(name, userHash);
        for (int attempt = 1; attempt < ASSIGNMENTS_MAX && serving.use().isEmpty(); attempt++) {
            serving = assign(name, userHash);
        }
        if (serving.use().isEmpty() && bot.serving().fallbacks().isEmpty()) {
            throw rollouts.unavailable(name).isPresent() ? unavailable() : loading();
        }
        return serving;
    }

    private Serving assign(String name, @Nullable String userHash) {
        RolloutState state = rollouts.state(name);
        Assignment assignment = rollouts.assign(name, userHash);
        return new Serving(catalog.use(name, assignment.version()), assignment, state.experiment());
    }

    private static List<String> versions(Assignment assignment, Bot bot) {
        List<String> versions = new ArrayList<>(List.of(assignment.version()));
        bot.serving().fallbacks().stream()
                .filter(version -> !versions.contains(version))
                .forEach(versions::add);
        return versions;
    }

    private static ApiException loading() {
        return ApiException.later(503, "policy_loading", "The bot's policy is being loaded.", LOADING);
    }

    private static ApiException unavailable() {
        return ApiException.later(
                503,
                "policy_unavailable",
                "The bot's policy cannot be loaded; its rollout's status and the gateway's log say why.",
                UNAVAILABLE);
    }

    private Ask ask(RoutingContext context, ChatRequest request, BotConfig config) {
        int most = config.completionTokensMax();
        Sampling sampling = new Sampling(
                request.temperature().orElse(config.temperature()),
                Math.max(TOP_P_LEAST, request.topP().orElse(config.topP())),
                0,
                Math.min(most, request.completionTokensMax().orElse(most)),
                request.seed().orElseGet(random::nextLong));
        return new Ask(
                request.turns(),
                request.beyondText(),
                request.body(),
                choices(request, config),
                sampling,
                request.stops(),
                request.stream(),
                Requests.deadline(context, config.deadline()));
    }

    private int choices(ChatRequest request, BotConfig config) {
        boolean duel = request.n() == 1
                && (request.duel() == ChatRequest.Duel.ALWAYS
                        || (request.duel() == ChatRequest.Duel.AUTO && random.nextDouble() < config.duelShare()));
        return duel ? 2 : request.n();
    }
}
