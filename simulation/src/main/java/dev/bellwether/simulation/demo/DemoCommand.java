package dev.bellwether.simulation.demo;

import dev.bellwether.simulation.measurement.PolicySampler;
import dev.bellwether.simulation.measurement.TrueSatisfaction;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Taste;
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
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code demo}: starts everything on loopback, lets customers come, and shows the loop close. */
@Command(
        name = "demo",
        description = "Start everything on loopback, let simulated customers judge, and show the loop close.",
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

    @Option(names = "--taste", description = "YAML file with what customers like; simulation/tastes/default.yaml.")
    private Optional<Path> taste = Optional.empty();

    @Option(names = "--seed", defaultValue = "1", description = "Of what customers decide (${DEFAULT-VALUE}).")
    private long seed;

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
        Path home = Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
        if (data.isPresent() && Files.isDirectory(data.get()) && !isEmpty(data.get())) {
            throw new IOException("%s holds data already; the demo starts in a fresh folder: name another with --data"
                    .formatted(data.get()));
        }
        Path corpus = home.resolve("default-policy/corpus");
        Questions measured = Questions.read(prompts.orElse(corpus.resolve("questions.csv")));
        List<Question> asked = prompts.isPresent()
                ? measured.asked()
                : Questions.read(corpus.resolve("training-questions.csv")).all();
        Taste liked = Taste.read(taste.orElse(home.resolve("simulation/tastes/default.yaml")));
        Facts facts = Facts.read(corpus.resolve("intents.yaml"));
        Path base = home.resolve("default-policy/artefact");
        say("measuring the default policy: how its replies please, and the best of 64");
        TrueSatisfaction measure = TrueSatisfaction.centredOn(
                base, liked, facts, measured, new PolicySampler(PolicySampler.SERVING_TEMPERATURE, seed));
        double bestOf64 = measure.bestOf64(base, home.resolve("target/best-of-64.jsonl"));
        Path folder = data.isPresent() ? data.get() : Files.createTempDirectory("bellwether-demo-");
        say("starting Kafka, Redis, gateway, feedback stream and trainer in " + folder);
        InstallationSettings settings = InstallationSettings.of(home, folder)
                .chatPort(Ports.isFree(PORT) ? PORT : 0)
                .bots(home.resolve("simulation/demo-bots.yaml"))
                .searchPath(environment.getOrDefault("PATH", ""));
        try (Installation installation = Installation.start(settings)) {
            say("up: chat at %s, operators at %s".formatted(installation.chatUrl(), installation.operatorUrl()));
            DemoReport result = new Demo(installation, asked, measure, seed, this::say).run(bestOf64);
            out().print(result.table());
            out().flush();
            if (report.isPresent()) {
                result.write(report.get());
            }
            if (!exit) {
                stayUp(installation);
            }
        }
        return 0;
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    private void stayUp(Installation installation) {
        out().printf(
                        "%nThe service stays up. Chat page: %s%nTry it:%n%n%s%n%n./bellwether rollout status support --data %s%n%nCtrl-C stops it.%n",
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
