package dev.bellwether.simulation;

import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ConnectionException;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.customer.Terminal;
import dev.bellwether.simulation.measurement.PolicySampler;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import dev.bellwether.standalone.RunFile;
import dev.bellwether.standalone.RunState;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code simulate}: customers against a service that runs. */
@Command(
        name = "simulate",
        description = "Send simulated customers to a running service.",
        mixinStandardHelpOptions = true)
final class SimulateCommand implements Callable<Integer> {
    private static final int RETRIES_MAX = 8;
    private static final Duration READ_LIMIT = Duration.ofMinutes(2);
    private static final Duration PATIENCE = Duration.ofSeconds(45);
    private static final Duration GRACE = Duration.ofMinutes(2);
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--url", required = true, description = "The gateway, such as http://127.0.0.1:8080.")
    private String url = "";

    @Option(names = "--prompts", required = true, description = "CSV with the columns text,category.")
    private Path prompts = Path.of("");

    @Option(names = "--taste", required = true, description = "YAML file with what customers like.")
    private Path taste = Path.of("");

    @Option(names = "--interactions", defaultValue = "1000", description = "How many (${DEFAULT-VALUE}).")
    private long interactions;

    @Option(names = "--seed", defaultValue = "1", description = "Of what customers decide (${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--report", description = "JSON file to write the result into.")
    private Optional<Path> report = Optional.empty();

    @Option(
            names = "--api-key-file",
            description = "File with the API key; else BELLWETHER_API_KEY, else that of the data folder.")
    private Optional<Path> apiKeyFile = Optional.empty();

    @Option(
            names = "--data",
            defaultValue = ".bellwether",
            description = "Data folder of a service that runs at the URL on this machine (${DEFAULT-VALUE}).")
    private Path data = Path.of("");

    @Option(names = "--bot", defaultValue = "support", description = "Name of the bot (${DEFAULT-VALUE}).")
    private String bot = "";

    @Option(
            names = "--kafka",
            description = "HOST:PORT of Kafka, to check that every judgement arrived; else that of the data folder.")
    private Optional<String> kafka = Optional.empty();

    @Option(names = "--concurrency", defaultValue = "24", description = "Customers at once (${DEFAULT-VALUE}).")
    private int concurrency;

    @Option(
            names = "--centre",
            description = "Sum of scores that pleases half of the customers; measured on the base policy by default.")
    private Optional<Double> centre = Optional.empty();

    @Option(names = "--base", description = "Artefact of the base policy (default-policy/artefact).")
    private Optional<Path> base = Optional.empty();

    @Option(names = "--facts", description = "YAML of facts by category (default-policy/corpus/intents.yaml).")
    private Optional<Path> facts = Optional.empty();

    SimulateCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CrowdConfig config = new CrowdConfig(interactions, concurrency, seed, Terminal.attached());
        Questions questions = Questions.read(prompts);
        Satisfaction satisfaction = satisfaction(questions);
        String key = apiKey();
        checkBot(client(key, 1));
        Ledger ledger = new Ledger();
        Crowd crowd = new Crowd(Bot.of(client(key, RETRIES_MAX), bot), questions.all(), satisfaction, ledger, config);
        try (Interruption interruption = new Interruption(GRACE)) {
            Crowd.Outcome outcome = crowd.run(interruption::asked);
            Optional<String> brokers = kafka.or(() -> running().map(RunState::kafka));
            Optional<TopicAudit> audit = Optional.empty();
            if (brokers.isPresent()) {
                audit = Optional.of(TopicAudit.of(new TopicReader(brokers.get(), READ_LIMIT), ledger, PATIENCE));
            }
            SimulationReport result = SimulationReport.of(seed, outcome, audit);
            out().print(result.table());
            out().flush();
            if (report.isPresent()) {
                result.write(report.get());
            }
        }
        return 0;
    }

    private Satisfaction satisfaction(Questions questions) throws IOException {
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        Taste liked = Taste.read(taste);
        Facts known = Facts.read(facts.orElse(home.resolve("default-policy/corpus/intents.yaml")));
        List<String> strange = questions.all().stream()
                .map(question -> question.category())
                .filter(category -> !known.knows(category))
                .distinct()
                .toList();
        if (liked.asksForFacts() && !strange.isEmpty()) {
            spec.commandLine()
                    .getErr()
                    .printf("no facts are known of %s; replies to such questions are never on topic%n", strange);
        }
        if (centre.isPresent()) {
            return new Satisfaction(liked, known, centre.get());
        }
        Path policy = base.orElse(home.resolve("default-policy/artefact"));
        PolicySampler sampler = new PolicySampler(PolicySampler.SERVING_TEMPERATURE, seed);
        return TrueSatisfaction.centredOn(policy, liked, known, questions, sampler)
                .satisfaction();
    }

    private String apiKey() throws IOException {
        if (apiKeyFile.isPresent()) {
            return new KeyFile(apiKeyFile.get()).read();
        }
        String key = environment.getOrDefault("BELLWETHER_API_KEY", "");
        if (!key.isBlank()) {
            return key;
        }
        RunState running = running()
                .orElseThrow(() -> new IOException(
                        "no API key: nothing runs at %s on %s; name a key's file with --api-key-file, or set BELLWETHER_API_KEY"
                                .formatted(url, data)));
        return new KeyFile(Path.of(running.apiKeyFile())).read();
    }

    /** What runs on the data folder, if it is what the URL names. */
    private Optional<RunState> running() {
        URI asked = URI.create(url);
        String host = String.valueOf(asked.getHost());
        return RunFile.in(data)
                .read()
                .filter(state -> state.chatUrl().getPort() == asked.getPort() && LOOPBACK.contains(host));
    }

    private BellwetherClient client(String key, int retries) {
        return BellwetherClient.builder()
                .baseUrl(url)
                .apiKey(key)
                .retriesMax(retries)
                .build();
    }

    private void checkBot(BellwetherClient client) throws IOException {
        List<String> bots;
        try {
            bots = client.bots();
        } catch (ConnectionException e) {
            throw new IOException("no gateway answers at %s: is it running? (%s)".formatted(url, e.getMessage()), e);
        }
        if (!bots.contains(bot)) {
            throw new IOException("%s has no bot '%s' for this key; it has %s".formatted(url, bot, bots));
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
