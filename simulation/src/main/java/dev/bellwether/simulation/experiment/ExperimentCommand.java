package dev.bellwether.simulation.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.bellwether.simulation.file.Folder;
import dev.bellwether.standalone.ChildProcess;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code experiment}: runs of the demo, side by side. */
@Command(
        name = "experiment",
        description = {
            "Measure what is learned, run after run through the real services: a quarter of an hour each on two cores.",
            "Runs that are done are kept in --out; started again, it goes on where it was.",
            "  gain       share of the possible gain, taste by taste",
            "  noise      0, 10, 20, 30 %% of judgements say the opposite",
            "  reaction   how many replies are judged",
            "  evidence   thumbs alone, duels alone, both",
            "  objective  ppo, rloo, dpo, kto",
            "  cadence    the same judgements in 1, 3 and 6 refreshes",
            "  questions  duels of any two replies, or of those that the reward model doubts most",
            "  adverse    30 %% of returning customers say the opposite"
        },
        mixinStandardHelpOptions = true)
public final class ExperimentCommand implements Callable<Integer> {
    private static final Duration RUN_LIMIT = Duration.ofHours(2);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final YAMLMapper YAML = new YAMLMapper();

    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "Which one.")
    private String name = "";

    @Option(names = "--seeds", defaultValue = "1", description = "Runs of each kind (${DEFAULT-VALUE}).")
    private int seeds;

    @Option(names = "--tastes", description = "Folder of YAML files with what customers like (simulation/tastes).")
    private Optional<Path> tastes = Optional.empty();

    @Option(
            names = "--taste",
            arity = "1..*",
            paramLabel = "NAME",
            description = "Only these of the folder; with 'gain' all, else 'default'.")
    private List<String> only = new ArrayList<>();

    @Option(names = "--prompts", description = "CSV with the columns text,category; the project's own by default.")
    private Optional<Path> prompts = Optional.empty();

    @Option(
            names = "--out",
            defaultValue = "target/experiments",
            description = "Folder of reports, tables and plots (${DEFAULT-VALUE}).")
    private Path out = Path.of("");

    @Option(names = "--json", description = "Print the result as JSON.")
    private boolean json;

    public ExperimentCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException {
        Experiment experiment = experiment();
        if (seeds < 1) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--seeds must be at least 1, is " + seeds);
        }
        Path folder = Files.createDirectories(out.toAbsolutePath().resolve(experiment.label()));
        List<Run> runs = experiment.runs(tastes(experiment), seeds);
        LearningReport report = new LearningReport(experiment);
        List<Course> courses = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            Run run = runs.get(i);
            Path done = folder.resolve(run.name() + ".json");
            Path by = folder.resolve(run.name() + ".inputs");
            String inputs = inputs(run);
            if (!Files.exists(done)
                    || !Files.exists(by)
                    || !Files.readString(by).equals(inputs)) {
                Files.deleteIfExists(done);
                Files.writeString(by, inputs);
                say("run %d of %d: %s".formatted(i + 1, runs.size(), run.name()));
                carryOut(run, folder, done);
            }
            Course course = Course.of(run.name(), JSON.readTree(done.toFile()));
            courses.add(course);
            report.add(run, course);
            report.write(folder);
        }
        PrintWriter print = spec.commandLine().getOut();
        print.println(json ? JSON.writeValueAsString(courses) : report.table());
        print.flush();
        say("reports, table and plot are in " + folder);
        return CommandLine.ExitCode.OK;
    }

    private Experiment experiment() {
        return Arrays.stream(Experiment.values())
                .filter(each -> each.label().equals(name))
                .findFirst()
                .orElseThrow(() -> new CommandLine.ParameterException(
                        spec.commandLine(),
                        "there is no experiment '%s'; there are %s"
                                .formatted(
                                        name,
                                        Arrays.stream(Experiment.values())
                                                .map(Experiment::label)
                                                .collect(Collectors.joining(", ")))));
    }

    private List<String> tastes(Experiment experiment) throws IOException {
        List<String> known;
        try (Stream<Path> files = Files.list(folderOfTastes())) {
            known = files.map(file -> String.valueOf(file.getFileName()))
                    .filter(file -> file.endsWith(".yaml"))
                    .map(file -> file.substring(0, file.length() - ".yaml".length()))
                    .sorted()
                    .toList();
        }
        List<String> asked = !only.isEmpty() ? only : experiment == Experiment.GAIN ? known : List.of("default");
        for (String taste : asked) {
            if (!known.contains(taste)) {
                throw new IOException("%s has no taste '%s'; it has %s".formatted(folderOfTastes(), taste, known));
            }
        }
        return asked;
    }

    /** What a run's outcome depends on, files by their hashes: with others it is another run. */
    private String inputs(Run run) throws IOException {
        ObjectNode inputs = JSON.createObjectNode();
        inputs.put("run", run.toString());
        inputs.put("taste", hash(folderOfTastes().resolve(run.taste() + ".yaml")));
        inputs.put("bots", YAML.writeValueAsString(bots(run)));
        if (prompts.isPresent()) {
            inputs.put("prompts", hash(prompts.get()));
        }
        return JSON.writeValueAsString(inputs);
    }

    private static String hash(Path file) throws IOException {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private Path home() {
        return Path.of(environment.getOrDefault("BELLWETHER_HOME", ".")).toAbsolutePath();
    }

    private Path folderOfTastes() {
        return tastes.orElse(home().resolve("simulation/tastes"));
    }

    /** The demo, in a process of its own; its report is there when the run is over, or not at all. */
    private void carryOut(Run run, Path folder, Path done) throws IOException {
        Path taste = folder.resolve(run.name() + ".taste.yaml");
        ObjectNode liked = (ObjectNode)
                YAML.readTree(folderOfTastes().resolve(run.taste() + ".yaml").toFile());
        liked.put("flip_rate", run.flipRate());
        liked.put("reaction_rate", run.reactionRate());
        YAML.writeValue(taste.toFile(), liked);
        Path bots = folder.resolve(run.name() + ".bots.yaml");
        YAML.writeValue(bots.toFile(), bots(run));
        Path unfinished = folder.resolve(run.name() + ".json.unfinished");
        Path data = Files.createTempDirectory(folder, run.name() + "-data-");
        List<String> command = new ArrayList<>(List.of(
                home().resolve("bellwether").toString(),
                "demo",
                "--exit",
                "--taste",
                taste.toString(),
                "--bots",
                bots.toString(),
                "--seed",
                Long.toString(run.seed()),
                "--refreshes",
                Integer.toString(run.refreshes()),
                "--report",
                unfinished.toString(),
                "--data",
                data.toString()));
        command.addAll(run.options());
        prompts.ifPresent(file ->
                command.addAll(List.of("--prompts", file.toAbsolutePath().toString())));
        Path log = folder.resolve(run.name() + ".log");
        try (ChildProcess process = ChildProcess.start(run.name(), command, environment, folder, log)) {
            if (!process.awaitExit(RUN_LIMIT)) {
                throw new IOException("%s did not end within %d hours; its log is %s"
                        .formatted(run.name(), RUN_LIMIT.toHours(), log));
            }
            if (!Files.exists(unfinished)) {
                throw new IOException("%s ended without a report; its log is %s".formatted(run.name(), log));
            }
        }
        Files.move(unfinished, done);
        Folder.delete(data);
    }

    /** The demo's bots.yaml with what the run sets otherwise. */
    private JsonNode bots(Run run) throws IOException {
        JsonNode root =
                YAML.readTree(home().resolve("simulation/demo-bots.yaml").toFile());
        run.bot().forEach((path, value) -> {
            ObjectNode at = (ObjectNode) root.path("bots").path("support");
            List<String> keys = List.of(path.split("[.]"));
            for (String key : keys.subList(0, keys.size() - 1)) {
                at = at.withObject("/" + key);
            }
            at.set(keys.getLast(), JSON.valueToTree(value));
        });
        return root;
    }

    private void say(String text) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("experiment: " + text);
        err.flush();
    }
}
