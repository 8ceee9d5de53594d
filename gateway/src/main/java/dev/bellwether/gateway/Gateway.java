package dev.bellwether.gateway;

import dev.bellwether.gateway.bots.ApiKeys;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.chat.ChatHandler;
import dev.bellwether.gateway.feedback.FeedbackHandler;
import dev.bellwether.gateway.feedback.TokenKeys;
import dev.bellwether.gateway.http.Authentication;
import dev.bellwether.gateway.http.InFlight;
import dev.bellwether.gateway.http.OperatorRoutes;
import dev.bellwether.gateway.http.PublicRoutes;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.limits.IdempotencyStore;
import dev.bellwether.gateway.limits.RateLimiter;
import dev.bellwether.gateway.rollout.OperatorHandler;
import dev.bellwether.gateway.rollout.RolloutFollower;
import dev.bellwether.gateway.serving.PolicyCatalog;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.settings.WatchedFile;
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
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
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
    private static final Duration DRAIN = Duration.ofSeconds(8);

    /** A response that has ended is still on its way to its reader. */
    private static final Duration LINGER = Duration.ofMillis(300);

    private static final int EVENT_LOOPS = 2;

    private final Vertx vertx;
    private final List<HttpServer> servers;
    private final InFlight inFlight;
    private final List<WatchedFile<?>> files;
    private final EventJournal journal;
    private final PolicyCatalog catalog;
    private final RolloutFollower rollouts;

    private Gateway(
            Vertx vertx,
            List<HttpServer> servers,
            InFlight inFlight,
            List<WatchedFile<?>> files,
            EventJournal journal,
            PolicyCatalog catalog,
            RolloutFollower rollouts) {
        this.vertx = vertx;
        this.servers = servers;
        this.inFlight = inFlight;
        this.files = files;
        this.journal = journal;
        this.catalog = catalog;
        this.rollouts = rollouts;
    }

    public static void main(String[] arguments) {
        try {
            Gateway gateway = start(GatewayConfig.from(System.getenv()));
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(gateway::close));
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            System.err.println("gateway: " + e.getMessage());
            System.exit(1);
        }
    }

    static Gateway start(GatewayConfig config) throws IOException {
        Clock clock = Clock.systemUTC();
        SecureRandom random = new SecureRandom();
        WatchedFile<Bots> bots = new WatchedFile<>(config.bots(), Bots::parse).watch();
        WatchedFile<ApiKeys> keys = new WatchedFile<>(config.keys(), ApiKeys::parse).watch();
        TokenKeys secrets = TokenKeys.parse(Files.readString(config.tokenKeys()));
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(EVENT_LOOPS));
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Redis redis = Redis.createClient(
                vertx,
                new RedisOptions()
                        .setConnectionString(config.redis())
                        .setMaxPoolSize(16)
                        .setMaxPoolWaiting(1_000));
        EventJournal journal = new EventJournal(config.kafka());
        PolicyCatalog catalog = new PolicyCatalog(new PolicyStore(config.store()), EngineConfig.SERVING);
        RolloutFollower rollouts =
                new RolloutFollower(config.kafka(), config.replication(), bots::value, catalog, journal, clock);
        Authentication authentication = new Authentication(keys::value, secrets);
        ChatHandler chat = new ChatHandler(
                bots::value,
                authentication,
                new RateLimiter(redis, clock, REDIS_TIMEOUT),
                rollouts,
                catalog,
                journal,
                secrets,
                clock,
                random);
        FeedbackHandler feedback = new FeedbackHandler(
                bots::value, authentication, secrets, journal, new IdempotencyStore(redis, REDIS_TIMEOUT), clock);
        OperatorHandler operators = new OperatorHandler(bots::value, authentication, rollouts, journal, clock);
        InFlight inFlight = new InFlight();
        Router open = new PublicRoutes(bots::value, authentication, chat, feedback, meters, inFlight).router(vertx);
        Router operator = new OperatorRoutes(operators, rollouts, meters, inFlight).router(vertx);
        List<HttpServer> servers = List.of(
                listen(vertx, open, config.host(), config.port()),
                listen(vertx, operator, config.host(), config.operatorPort()));
        rollouts.start();
        LOG.info("listening on {}:{}, operators on {}", config.host(), config.port(), config.operatorPort());
        return new Gateway(vertx, servers, inFlight, List.of(bots, keys), journal, catalog, rollouts);
    }

    private static HttpServer listen(Vertx vertx, Router router, String host, int port) {
        HttpServerOptions options = new HttpServerOptions()
                .setHost(host)
                .setPort(port)
                .setIdleTimeout(120)
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
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
                .onFailure(late -> LOG.warn("requests were under way for longer than {} and are cut off", DRAIN))
                .otherwiseEmpty()
                .compose(drained -> vertx.timer(LINGER.toMillis(), TimeUnit.MILLISECONDS)));
        await(Future.join(servers.stream().map(HttpServer::close).toList()).otherwiseEmpty());
        files.forEach(WatchedFile::close);
        rollouts.close();
        catalog.close();
        journal.close();
        await(vertx.close());
    }

    private static void await(Future<?> future) {
        future.toCompletionStage().toCompletableFuture().join();
    }
}
