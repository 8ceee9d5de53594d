package dev.bellwether.gateway;

import dev.bellwether.gateway.access.ApiKeys;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.access.Visitors;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.bots.ServingConfig;
import dev.bellwether.gateway.chat.ChatHandler;
import dev.bellwether.gateway.chat.Recorder;
import dev.bellwether.gateway.erasure.ErasureHandler;
import dev.bellwether.gateway.feedback.FeedbackHandler;
import dev.bellwether.gateway.feedback.FeedbackToken;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.ClientAddress;
import dev.bellwether.gateway.http.InFlight;
import dev.bellwether.gateway.journal.CommandJournal;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.limits.IdempotencyStore;
import dev.bellwether.gateway.limits.RateLimiter;
import dev.bellwether.gateway.page.ChatPage;
import dev.bellwether.gateway.rollout.OperatorHandler;
import dev.bellwether.gateway.rollout.RolloutFollower;
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.gateway.serving.RewardModels;
import dev.bellwether.gateway.serving.UpstreamKeys;
import dev.bellwether.gateway.serving.Upstreams;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.settings.WatchedFile;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The gateway's main class. */
public final class Gateway implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);
    private static final Duration REDIS_TIMEOUT = Duration.ofMillis(100);
    private static final Duration START_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration BODY_LIMIT = Duration.ofSeconds(30);
    private static final int SMALL_BODY_BYTES = 32 << 10;
    private static final int JUDGEMENT_BYTES = 64 << 10;
    private static final Duration DRAIN = Duration.ofSeconds(25);

    /** A response that has ended is still on its way to its reader. */
    private static final Duration LINGER = Duration.ofMillis(300);

    private static final int EVENT_LOOPS_MAX = 4;

    private final Vertx vertx;
    private final List<HttpServer> servers;
    private final InFlight inFlight;
    private final List<AutoCloseable> parts;

    /**
     * @param parts what is closed after the servers, in this order
     */
    private Gateway(Vertx vertx, List<HttpServer> servers, InFlight inFlight, List<AutoCloseable> parts) {
        this.vertx = vertx;
        this.servers = servers;
        this.inFlight = inFlight;
        this.parts = parts;
    }

    public static void main(String[] arguments) {
        try {
            Gateway gateway = start(GatewayConfig.from(System.getenv()));
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(gateway::close));
        } catch (IOException | RuntimeException e) {
            System.err.println("gateway: " + e.getMessage());
            System.exit(1);
        }
    }

    static Gateway start(GatewayConfig config) throws IOException {
        Clock clock = Clock.systemUTC();
        SecureRandom random = new SecureRandom();
        WatchedFile<Bots> bots = new WatchedFile<>(config.bots(), Bots::parse).watch();
        WatchedFile<ApiKeys> keys = new WatchedFile<>(config.keys(), ApiKeys::parse).watch();
        WatchedFile<TokenKeys> secrets = new WatchedFile<>(config.tokenKeys(), new TokenKeys.Reader()::parse).watch();
        ClientAddress addresses = new ClientAddress(config.proxies());
        Vertx vertx = Vertx.vertx(new VertxOptions()
                .setPreferNativeTransport(true)
                .setEventLoopPoolSize(
                        Math.min(EVENT_LOOPS_MAX, Runtime.getRuntime().availableProcessors())));
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new JvmMemoryMetrics().bindTo(meters);
        new JvmThreadMetrics().bindTo(meters);
        Redis redis = redis(vertx, config.redis());
        makeFolder(config.data());
        EventJournal journal = new EventJournal(config.kafka(), config.data(), config.spoolBytesMax(), meters, clock);
        CommandJournal commands = new CommandJournal(config.kafka());
        Upstreams upstreams =
                new Upstreams(vertx, meters, new UpstreamKeys(config.variable()), config.privateUpstreams());
        PolicyStore store = new PolicyStore(config.store());
        PolicyCatalog catalog = new PolicyCatalog(
                store,
                bot -> bots.value().find(bot).map(Bots.Bot::serving).orElse(ServingConfig.DEFAULT),
                config.modelBytesMax(),
                upstreams);
        RewardModels models = new RewardModels(bots::value, store).start();
        RolloutFollower rollouts = new RolloutFollower(
                config.kafka(),
                config.topics(),
                bots::value,
                catalog,
                commands,
                config.data(),
                gatewayName(config.data()),
                clock);
        Visitors visitors = new Visitors(secrets::value, random, addresses);
        Authentication authentication = new Authentication(
                keys::value,
                secrets::value,
                bot -> bots.value()
                        .find(bot)
                        .map(each -> each.chat().visitors())
                        .orElse(false),
                visitors);
        Recorder recorder = new Recorder(journal, new FeedbackToken.Sealer(secrets::value, clock), meters, clock);
        RateLimiter limiter = new RateLimiter(redis, clock, REDIS_TIMEOUT).share(vertx);
        ChatHandler chat = new ChatHandler(
                bots::value, secrets::value, visitors, limiter, rollouts, catalog, models, recorder, clock, random);
        FeedbackHandler feedback = new FeedbackHandler(
                bots::value,
                authentication,
                secrets::value,
                journal,
                new IdempotencyStore(redis, REDIS_TIMEOUT),
                meters,
                clock);
        ErasureHandler erasures =
                new ErasureHandler(bots::value, authentication, visitors, secrets::value, journal, store, clock);
        OperatorHandler operators = new OperatorHandler(bots::value, authentication, rollouts, models, commands, clock);
        InFlight inFlight = new InFlight();
        meters.gauge("bellwether.http.in.flight", inFlight, InFlight::count);
        Bodies bodies = new Bodies(config.bodyBytesMax(), SMALL_BODY_BYTES, BODY_LIMIT);
        Bodies judgementBodies = new Bodies(JUDGEMENT_BYTES, JUDGEMENT_BYTES, BODY_LIMIT);
        Bodies commandBodies = new Bodies(JUDGEMENT_BYTES, JUDGEMENT_BYTES, BODY_LIMIT);
        EveryRequest everyRequest = new EveryRequest(meters, inFlight);
        ChatPage page = new ChatPage(bots::value, authentication, visitors);
        Router open = new PublicRoutes(
                        bots::value,
                        authentication,
                        visitors,
                        chat,
                        feedback,
                        erasures,
                        page,
                        bodies,
                        judgementBodies,
                        everyRequest)
                .router(vertx);
        Router operator = new OperatorRoutes(
                        operators, rollouts, journal::spooled, meters, inFlight, commandBodies, everyRequest)
                .router(vertx);
        List<HttpServer> servers = List.of(
                listen(vertx, open, config.host(), config.port()),
                listen(vertx, operator, config.host(), config.operatorPort()));
        rollouts.start();
        LOG.info("listening on {}:{}, operators on {}", config.host(), config.port(), config.operatorPort());
        return new Gateway(
                vertx,
                servers,
                inFlight,
                List.of(
                        bots,
                        keys,
                        secrets,
                        rollouts,
                        models,
                        catalog,
                        bodies,
                        judgementBodies,
                        commandBodies,
                        recorder,
                        journal,
                        commands));
    }

    /** Chat goes on without one: where the disk is full or cannot be written, what needs it says so. */
    private static void makeFolder(Path data) {
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            LOG.error("the folder {} cannot be made: {}", data, e.getMessage());
        }
    }

    /** A name that lasts as long as the gateway's folder, or the gateway where that cannot be written. */
    private static String gatewayName(Path data) {
        String name = "gateway-" + UUID.randomUUID();
        Path file = data.resolve("name");
        try {
            if (!Files.exists(file)) {
                Files.writeString(file, name);
            }
            String known = Files.readString(file).strip();
            return known.isEmpty() ? name : known;
        } catch (IOException e) {
            LOG.warn("{} cannot be written or read: {}", file, e.getMessage());
            return name;
        }
    }

    private static Redis redis(Vertx vertx, String url) {
        return Redis.createClient(
                vertx,
                new RedisOptions().setConnectionString(url).setMaxPoolSize(16).setMaxPoolWaiting(1_000));
    }

    private static HttpServer listen(Vertx vertx, Router router, String host, int port) {
        HttpServerOptions options = new HttpServerOptions()
                .setHost(host)
                .setPort(port)
                .setIdleTimeout(120)
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                .setTcpNoDelay(true)
                .setCompressionSupported(false);
        try {
            HttpServer server = vertx.createHttpServer(options).requestHandler(router);
            return server.listen()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(START_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(
                    "port %d cannot be listened on: %s; choose another port".formatted(port, e.getMessage()), e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Takes no new requests, lets those under way end, cuts off those that take too long, and stops. */
    @Override
    public void close() {
        await(inFlight.stop()
                .timeout(DRAIN.toMillis(), TimeUnit.MILLISECONDS)
                .onFailure(late -> LOG.warn(
                        "{} requests were under way for longer than {} and are cut off", inFlight.count(), DRAIN))
                .otherwiseEmpty()
                .compose(drained -> vertx.timer(LINGER.toMillis(), TimeUnit.MILLISECONDS)));
        await(Future.join(servers.stream().map(HttpServer::close).toList()).otherwiseEmpty());
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("a part of the gateway did not close", e);
            }
        }
        await(vertx.close());
    }

    private static void await(Future<?> future) {
        future.toCompletionStage().toCompletableFuture().join();
    }
}
