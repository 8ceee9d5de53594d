package dev.bellwether.simulation;

import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ConnectionException;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.customer.PopulationOptions;
import dev.bellwether.simulation.customer.Terminal;
import dev.bellwether.simulation.file.ReportFile;
import dev.bellwether.simulation.measurement.PolicySampler;
import dev.bellwether.simulation.measurement.Scenario;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.measurement.TrueSatisfaction.Effort;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.report.Report;
import dev.bellwether.simulation.report.ReportTable;
import dev.bellwether.simulation.report.Reporter;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.standalone.RunFile;
import dev.bellwether.standalone.RunState;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.kafka.common.KafkaException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

    private static final String FACTS = "default-policy/corpus/intents.yaml";
    private static final String NO_URL = "'%s' is no address of a gateway; give one such as http://127.0.0.1:8080";

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

    @Mixin
    private PopulationOptions population = new PopulationOptions();

    SimulateCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CrowdConfig config =
                new CrowdConfig(interactions, concurrency, seed, 0, population.population(), Terminal.attached());
        Optional<ReportFile> file = report.isPresent() ? Optional.of(ReportFile.at(report.get())) : Optional.empty();
        Scenario read = Scenario.read(prompts, taste, facts.orElse(home().resolve(FACTS)), this::say);
        Optional<RunState> running = running();
        String key = apiKey(running);
        checkBot(client(key, 1));
        Scenario scenario = centre.isPresent() && file.isEmpty() ? read : read.fitting(policy(), this::say);
        TrueSatisfaction measure = measure(scenario);
        Ledger ledger = new Ledger();
        Reporter reporter = new Reporter(seed, ledger);
        Crowd crowd = new Crowd(
                Bot.of(client(key, RETRIES_MAX), bot),
                scenario.asked(this::say),
                measure.satisfaction(),
                ledger,
                config);
        try (Interruption interruption = new Interruption(GRACE)) {
            Crowd.Outcome outcome = crowd.run(interruption::asked);
            Optional<String> brokers = kafka.or(() -> running.map(RunState::kafka));
            Optional<TopicAudit> audit = brokers.flatMap(found -> audit(found, ledger));
            Reporter.Traffic traffic = new Reporter.Traffic(outcome.interactions(), outcome.elapsed());
            Report result = reporter.report(traffic, audit);
            if (file.isPresent()) {
                file.get().write(result);
                if (running.isPresent() && audit.isPresent() && !outcome.gone() && !interruption.asked()) {
                    say("measuring the versions that served, and the best of 64 replies");
                    result = whole(reporter, result, traffic, running.get(), audit.get(), measure);
                    file.get().write(result);
                }
            }
            out().print(new ReportTable(result, ZoneId.systemDefault()).text());
            out().flush();
            boolean checked = brokers.isEmpty() || audit.isPresent();
            result.faults().forEach(this::say);
            return served(outcome) && checked && result.faults().isEmpty()
                    ? CommandLine.ExitCode.OK
                    : CommandLine.ExitCode.SOFTWARE;
        }
    }

    /** Whether the service was there, to the end of the run. */
    private boolean served(Crowd.Outcome outcome) {
        if (outcome.gone()) {
            say("nothing answers at %s any more; the run ended early".formatted(url));
        }
        return !outcome.gone() && outcome.interactions() > 0;
    }

    private TrueSatisfaction measure(Scenario scenario) {
        PolicySampler sampler =
                new PolicySampler(PolicySampler.SERVING_TEMPERATURE, PolicySampler.COMPLETION_TOKENS_MAX, seed);
        if (centre.isPresent()) {
            Satisfaction known = new Satisfaction(scenario.taste(), scenario.facts(), centre.get());
            return TrueSatisfaction.of(known, scenario.questions(), sampler, Effort.FULL);
        }
        say("measuring how the base policy's replies please");
        return TrueSatisfaction.centredOn(policy(), scenario, sampler, Effort.FULL);
    }

    /** What the topics know; nothing when they cannot be read, so that what the customers know is not lost. */
    private Optional<TopicAudit> audit(String brokers, Ledger ledger) {
        try {
            return Optional.of(TopicAudit.of(new TopicReader(brokers, READ_LIMIT), ledger, PATIENCE));
        } catch (IOException | KafkaException e) {
            say("whether every judgement arrived could not be checked: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** The report with all that a service on this machine knows; {@code known} when it does not say. */
    private Report whole(
            Reporter reporter,
            Report known,
            Reporter.Traffic traffic,
            RunState running,
            TopicAudit audit,
            TrueSatisfaction measure)
            throws InterruptedException {
        try (OperatorClient operator =
                new OperatorClient(running.operatorUrl(), new KeyFile(Path.of(running.operatorKeyFile())).read())) {
            Reporter.Base base = new Reporter.Base(
                    policy(),
                    measure,
                    measure.of(policy()),
                    measure.bestOf64(policy(), home().resolve("target/best-of-64.jsonl")));
            Path versions = Path.of(running.store()).resolve(bot);
            return reporter.report(
                    traffic,
                    new TopicReader(running.kafka(), READ_LIMIT),
                    audit,
                    new Reporter.Service(bot, operator, versions),
                    base);
        } catch (IOException | RuntimeException e) {
            say("the versions could not be measured: " + e.getMessage());
            return known;
        }
    }

    private Path home() {
        return Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
    }

    private Path policy() {
        return base.orElse(home().resolve("default-policy/artefact"));
    }

    private String apiKey(Optional<RunState> running) throws IOException {
        if (apiKeyFile.isPresent()) {
            return new KeyFile(apiKeyFile.get()).read();
        }
        String key = environment.getOrDefault("BELLWETHER_API_KEY", "");
        if (!key.isBlank()) {
            return key;
        }
        RunState found = running.orElseThrow(() -> new IOException(
                "no API key: nothing runs at %s on %s; name a key's file with --api-key-file, or set BELLWETHER_API_KEY"
                        .formatted(url, data)));
        return new KeyFile(Path.of(found.apiKeyFile())).read();
    }

    /** What runs on the data folder, if it is what the URL names. */
    private Optional<RunState> running() throws IOException {
        URI asked;
        try {
            asked = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new IOException(NO_URL.formatted(url), e);
        }
        String host = asked.getHost();
        if (host == null || !Set.of("http", "https").contains(String.valueOf(asked.getScheme()))) {
            throw new IOException(NO_URL.formatted(url));
        }
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

    private void say(String text) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("simulate: " + text);
        err.flush();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
