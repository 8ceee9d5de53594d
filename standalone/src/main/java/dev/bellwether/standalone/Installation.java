package dev.bellwether.standalone;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The whole of Bellwether running on one machine: Kafka, Redis and the three services on one data folder. */
public final class Installation implements AutoCloseable {
    /** Kafka, Redis, gateway, feedback stream, trainer. */
    static final int SERVICES = 5;

    /** What a killed run had may still be on its way out. */
    private static final Duration PORT_LIMIT = Duration.ofSeconds(2);

    private static final Duration PORT_POLL = Duration.ofMillis(50);

    private final DataFolder folder;
    private final RunState origin;
    private final Supervisor supervisor;
    private final ShutdownHook hook;
    private final CountDownLatch closed = new CountDownLatch(1);

    private Installation(DataFolder folder, RunState origin, Supervisor supervisor) {
        this.folder = folder;
        this.origin = origin;
        this.supervisor = supervisor;
        this.hook = ShutdownHook.add("stop-installation", this::close);
    }

    /**
     * Takes the data folder into use and starts everything on it, each part once the one before is healthy.
     *
     * @throws StandaloneException when the folder or the port is in use, a module is not built, the default policy is
     *     missing, or a part does not become healthy; nothing runs then
     */
    public static Installation start(InstallationSettings settings) {
        DataFolder folder = DataFolder.open(settings.data());
        try {
            return start(settings, folder);
        } catch (RuntimeException failure) {
            folder.close();
            throw failure;
        }
    }

    private static Installation start(InstallationSettings settings, DataFolder folder) {
        RunFile runFile = folder.runFile();
        if (settings.chatPort() != 0 && !Await.until(PORT_LIMIT, PORT_POLL, () -> Ports.isFree(settings.chatPort()))) {
            throw StandaloneException.portInUse(settings.chatPort());
        }
        var plan = new Plan(settings, folder, Endpoints.choose(settings, folder));
        List<ServiceSpecification> services = plan.services();
        RunState origin = plan.runState();
        Consumer<List<ServiceState>> record = states -> runFile.write(origin.with(states));
        // Its hook comes before the first service: who stops it as it starts finds nothing left of it either.
        var installation = new Installation(folder, origin, new Supervisor(services, record));
        try {
            runFile.write(origin);
            installation.supervisor.start();
            return installation;
        } catch (RuntimeException failure) {
            installation.close();
            throw failure;
        }
    }

    /** Where the chat API and the chat page are, as {@code http://127.0.0.1:PORT}. */
    public URI chatUrl() {
        return origin.chatUrl();
    }

    public URI operatorUrl() {
        return origin.operatorUrl();
    }

    /** The brokers, as {@code 127.0.0.1:PORT}. */
    public String kafka() {
        return origin.kafka();
    }

    public String apiKey() {
        return folder.apiKey();
    }

    public String operatorKey() {
        return folder.operatorKey();
    }

    public DataFolder folder() {
        return folder;
    }

    public Supervisor supervisor() {
        return supervisor;
    }

    /** What the loaded models need of memory, in one line. */
    public String modelMemory() {
        return ModelMemory.read(operatorUrl()).text();
    }

    /** A command for a shell that asks the first bot a question. */
    public String curl() {
        return """
                curl -s %s/v1/chat/completions \\
                  -H "Authorization: Bearer $(cat '%s')" \\
                  -H 'Content-Type: application/json' \\
                  -d '{"model": "%s", "user": "me", "messages": [{"role": "user", "content": "%s"}]}'""".formatted(
                        chatUrl(), folder.apiKeyFile(), folder.botNames().getFirst(), "My card has not arrived yet.");
    }

    /** Waits until the installation is closed; false once the limit has passed. */
    public boolean awaitClosed(Duration limit) {
        try {
            return closed.await(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException interrupted) {
            throw StandaloneException.interrupted("the installation to close");
        }
    }

    /** Stops everything, the trainer first and Kafka last, and gives the data folder back. */
    @Override
    public void close() {
        closeOnce();
        hook.cancel();
    }

    private synchronized void closeOnce() {
        if (closed.getCount() > 0) {
            supervisor.close();
            folder.runFile().delete();
            folder.close();
            closed.countDown();
        }
    }

    /** Where the parts of an installation listen. */
    private record Endpoints(
            int chat, int operator, int streamHealth, int trainerHealth, KafkaFolder kafka, RedisFolder redis) {
        static Endpoints choose(InstallationSettings settings, DataFolder folder) {
            int chat = settings.chatPort() == 0 ? Ports.free() : settings.chatPort();
            return new Endpoints(
                    chat,
                    Ports.free(),
                    Ports.free(),
                    Ports.free(),
                    KafkaFolder.open(folder.kafka()),
                    RedisFolder.open(folder.redis()));
        }
    }

    /** How the parts of an installation are to be run. */
    private record Plan(InstallationSettings settings, DataFolder folder, Endpoints endpoints) {
        List<ServiceSpecification> services() {
            var gateway = service(ServiceProgram.GATEWAY, endpoints.operator(), gatewayEnvironment());
            var stream = service(ServiceProgram.FEEDBACK_STREAM, endpoints.streamHealth(), streamEnvironment());
            var trainer =
                    service(ServiceProgram.TRAINER, endpoints.trainerHealth(), healthPort(endpoints.trainerHealth()));
            // After the commands, which say when something is not built, and before anything starts.
            folder.prepare(settings.home(), settings.bots());
            return Stream.of(
                            endpoints.kafka().prepare(folder.log("kafka")),
                            endpoints.redis().prepare(folder.log("redis")),
                            gateway,
                            stream,
                            trainer.through(prefix("nice", "-n", "5")))
                    // In a session of their own: Ctrl-C reaches the supervisor alone, which stops them in order.
                    .map(each -> each.through(prefix("setsid")))
                    .toList();
        }

        private List<String> prefix(String program, String... arguments) {
            return new SearchPath(settings.searchPath())
                    .find(program)
                    .map(found -> Stream.concat(Stream.of(found.toString()), Stream.of(arguments))
                            .toList())
                    .orElse(List.of());
        }

        private ServiceSpecification service(ServiceProgram program, int healthPort, Map<String, String> own) {
            String name = program.name();
            Map<String, String> environment = new HashMap<>(Map.of(
                    "BELLWETHER_KAFKA", kafka(),
                    "BELLWETHER_BOTS", folder.bots().toString(),
                    "BELLWETHER_STORE", folder.store().toString(),
                    "BELLWETHER_DATA", folder.service(name).toString()));
            JavaCommand command = program.command(settings.home());
            environment.putAll(command.environment());
            environment.putAll(own);
            var health = new HealthCheck.Http(http(healthPort).resolve("/readyz"));
            // Of the stream what it does, of the others that they answer: they may wait for Kafka for as long as it
            // takes.
            HealthCheck life = program.equals(ServiceProgram.FEEDBACK_STREAM)
                    ? new HealthCheck.Http(http(healthPort).resolve("/livez"))
                    : new HealthCheck.Answer(http(healthPort).resolve("/readyz"));
            return new ServiceSpecification(name, command.words(), environment, health, folder.log(name))
                    .living(life, ServiceSpecification.HANG_LIMIT);
        }

        private Map<String, String> gatewayEnvironment() {
            return Map.of(
                    "BELLWETHER_REDIS", redis(),
                    "BELLWETHER_HOST", "127.0.0.1",
                    "BELLWETHER_PORT", String.valueOf(endpoints.chat()),
                    "BELLWETHER_OPERATOR_PORT", String.valueOf(endpoints.operator()),
                    "BELLWETHER_KEYS", folder.keys().toString(),
                    "BELLWETHER_TOKEN_KEYS", folder.tokenKeys().toString());
        }

        private Map<String, String> streamEnvironment() {
            Map<String, String> environment = new HashMap<>(healthPort(endpoints.streamHealth()));
            environment.put("BELLWETHER_INSTANCE", "feedback-stream-1");
            return environment;
        }

        private static Map<String, String> healthPort(int port) {
            return Map.of("BELLWETHER_HEALTH_PORT", String.valueOf(port));
        }

        RunState runState() {
            return new RunState(
                    ProcessHandle.current().pid(),
                    http(endpoints.chat()),
                    http(endpoints.operator()),
                    kafka(),
                    redis(),
                    folder.apiKeyFile().toString(),
                    folder.operatorKeyFile().toString(),
                    folder.store().toString(),
                    List.of());
        }

        private String kafka() {
            return "127.0.0.1:" + endpoints.kafka().port();
        }

        private String redis() {
            return "redis://127.0.0.1:" + endpoints.redis().port();
        }

        private static URI http(int port) {
            return URI.create("http://127.0.0.1:" + port);
        }
    }
}
