package dev.bellwether.simulation.demo;

import dev.bellwether.simulation.customer.Population;
import dev.bellwether.simulation.customer.PopulationOptions;
import dev.bellwether.simulation.file.ReportFile;
import dev.bellwether.simulation.measurement.PolicySampler;
import dev.bellwether.simulation.measurement.Scenario;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.report.Report;
import dev.bellwether.simulation.report.ReportTable;
import dev.bellwether.simulation.report.Reporter;
import dev.bellwether.standalone.Installation;
import dev.bellwether.standalone.InstallationSettings;
import dev.bellwether.standalone.Ports;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code demo}: starts everything on loopback, lets customers come, and shows the loop close. */
@Command(
        name = "demo",
        description = "Start everything on loopback, let simulated customers judge, and show the loop close.",
        footer = {
            "",
            "A model of a hundred million parameters takes an hour or two on two cores:",
            "  ./bellwether demo --model DIR --exit"
        },
        mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final int PORT = 8080;
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--prompts", description = "CSV with the columns text,category; the project's own by default.")
    private Optional<Path> prompts = Optional.empty();

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Hugging Face checkpoint that learns in place of the default policy, by low-rank adapters.")
    private Optional<Path> model = Optional.empty();

    @Option(
            names = "--taste",
            description =
                    "YAML file with what customers like; simulation/tastes/default.yaml, or courteous.yaml with --model.")
    private Optional<Path> taste = Optional.empty();

    @Option(names = "--facts", description = "YAML of facts by category (default-policy/corpus/intents.yaml).")
    private Optional<Path> facts = Optional.empty();

    @Option(names = "--seed", defaultValue = "1", description = "Of what customers decide (${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private PopulationOptions population = new PopulationOptions();

    @Option(names = "--refreshes", description = "How many, each from the last one's version on; 3, or 1 with --model.")
    private Optional<Integer> refreshes = Optional.empty();

    @Option(names = "--bots", description = "bots.yaml of the bot 'support', in place of the demo's own.")
    private Optional<Path> bots = Optional.empty();

    @Option(names = "--report", description = "JSON file to write the result into.")
    private Optional<Path> report = Optional.empty();

    @Option(names = "--data", description = "Folder for the demo's data; a fresh one by default.")
    private Optional<Path> data = Optional.empty();

    @Option(names = "--exit", description = "Stop when the result is there, instead of staying up.")
    private boolean exit;

    public DemoCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (refreshes.isPresent() && refreshes.get() < 1) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--refreshes must be at least 1, is " + refreshes.get());
        }
        Population customers = population.population();
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        if (data.isPresent() && Files.isDirectory(data.get()) && !isEmpty(data.get())) {
            throw new IOException("%s holds data already; the demo starts in a fresh folder: name another with --data"
                    .formatted(data.get()));
        }
        Optional<ReportFile> file = report.isPresent() ? Optional.of(ReportFile.at(report.get())) : Optional.empty();
        Path corpus = home.resolve("default-policy/corpus");
        Path folder = data.isPresent() ? data.get() : Files.createTempDirectory("bellwether-demo-");
        DemoPolicy policy = model.isPresent() ? DemoPolicy.added(home, folder) : DemoPolicy.builtIn(home);
        Scenario read = Scenario.read(
                prompts.orElse(corpus.resolve("questions.csv")),
                taste.orElse(policy.taste()),
                facts.orElse(corpus.resolve("intents.yaml")),
                this::say);
        if (model.isPresent()) {
            say("importing " + model.get());
            DemoPolicy.add(home, model.get(), folder);
        }
        Scenario scenario = read.fitting(policy.artefact(), this::say);
        List<Question> asked = prompts.isPresent()
                ? scenario.asked(this::say)
                : Questions.read(corpus.resolve("training-questions.csv")).all();
        Reporter.Base base = measured(policy, scenario);
        Optional<Path> ceiling =
                policy.ceiling() ? Optional.of(home.resolve("target/best-of-64.jsonl")) : Optional.empty();
        say("starting Kafka, Redis, gateway, feedback stream and trainer in " + folder);
        InstallationSettings settings = InstallationSettings.of(home, folder)
                .chatPort(Ports.isFree(PORT) ? PORT : 0)
                .bots(bots.orElse(policy.bots()))
                .searchPath(environment.getOrDefault("PATH", ""));
        try (Installation installation = Installation.start(settings)) {
            say("up: chat at %s, operators at %s".formatted(installation.chatUrl(), installation.operatorUrl()));
            Report result = new Demo(
                            installation,
                            asked,
                            base,
                            ceiling,
                            policy.refreshLimit(),
                            refreshes.orElse(policy.refreshes()),
                            seed,
                            customers,
                            this::say)
                    .run();
            out().println();
            out().print(new ReportTable(result, ZoneId.systemDefault()).text());
            out().flush();
            if (file.isPresent()) {
                file.get().write(result);
            }
            if (exit) {
                say("stopping; the data of this run stays in " + folder);
            } else {
                stayUp(installation);
            }
            result.faults().forEach(this::say);
            return result.faults().isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
        }
    }

    private Reporter.Base measured(DemoPolicy policy, Scenario scenario) {
        say("measuring how the policy's replies please");
        Path artefact = policy.artefact();
        TrueSatisfaction measure = TrueSatisfaction.centredOn(
                artefact,
                scenario,
                new PolicySampler(PolicySampler.SERVING_TEMPERATURE, policy.completionTokensMax(), seed),
                policy.effort());
        return new Reporter.Base(artefact, measure, measure.of(artefact), null);
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    private void stayUp(Installation installation) {
        out().printf(
                        """

                        The service stays up. Chat page: %s
                        Try it:

                        %s

                        ./bellwether rollout status support --data '%s'

                        Ctrl-C stops it; its data stays there.
                        """,
                        installation.chatUrl(),
                        installation.curl(),
                        installation.folder().directory());
        out().flush();
        boolean closed;
        do {
            closed = installation.awaitClosed(LOOK);
        } while (!closed);
    }

    private void say(String text) {
        out().printf("%s  %s%n", LocalTime.now(ZoneId.systemDefault()).format(CLOCK), text);
        out().flush();
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
