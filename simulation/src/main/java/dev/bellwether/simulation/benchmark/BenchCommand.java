package dev.bellwether.simulation.benchmark;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.simulation.file.Folder;
import dev.bellwether.simulation.file.ReportFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code bench NAME}: measures a part of the service against its floor or a peer. */
@Command(name = "bench", description = "Measure a part of the service against its floor, or a peer, in the same run.")
public final class BenchCommand implements Callable<Integer> {
    private static final String LLAMA_CPP = "llama.cpp";

    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** What can be measured. */
    private enum Benchmark {
        GATEWAY,
        OVERLOAD,
        SERVING,
        SWAP,
        FEEDBACK,
        STREAM,
        TRAINING
    }

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "gateway: through an upstream that answers at once; overload: five times what it can answer;"
                    + " serving: a model in the engine alone; swap: changes of version under load;"
                    + " feedback: judgements to 202, and to the pair that follows;"
                    + " stream: events a second with empty and with full stores, and how long a restart takes;"
                    + " training: steps of a model, of all weights and of adapters.")
    private Benchmark benchmark = Benchmark.GATEWAY;

    @Option(
            names = "--peer",
            description = "gateway: folder with the recipe of a peer to measure against (npm must be there);"
                    + " serving: llama.cpp (npm, pip and cmake must be there).")
    private Optional<String> peer = Optional.empty();

    @Option(names = "--seconds", defaultValue = "8", description = "Of one measurement (${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--model", description = "serving, training: a Hugging Face folder instead of the default policy.")
    private Optional<Path> model = Optional.empty();

    @Option(names = "--gguf", description = "serving: folder of the same model's GGUF files (gguf beside the model).")
    private Optional<Path> gguf = Optional.empty();

    @Option(
            names = "--precision",
            split = ",",
            converter = PrecisionConverter.class,
            description =
                    "serving: float32, int8, int4 (all of them, of the default policy float32); on a GPU float16.")
    private List<Precision> precisions = List.of();

    @Option(
            names = "--device",
            defaultValue = "cpu",
            description = "serving, training: cpu or cuda:N (${DEFAULT-VALUE}).")
    private String device = "cpu";

    @Option(
            names = "--turns",
            description = "serving: dialogues, gzipped JSON lines with 'turns', for the perplexity of each precision.")
    private Optional<Path> turns = Optional.empty();

    @Option(
            names = "--interactions",
            defaultValue = "2000000",
            description = "stream: how many its stores hold, with a tenth as many judgements (${DEFAULT-VALUE}).")
    private long interactions;

    @Option(
            names = "--pytorch",
            paramLabel = "PYTHON",
            description = "training: an interpreter that has torch, transformers and peft, to measure against.")
    private Optional<String> pytorch = Optional.empty();

    @Option(names = "--rows", defaultValue = "4", description = "training: samples of a step (${DEFAULT-VALUE}).")
    private int rows;

    @Option(names = "--tokens", defaultValue = "256", description = "training: tokens of a sample (${DEFAULT-VALUE}).")
    private int tokens;

    @Option(names = "--steps", defaultValue = "5", description = "training: steps measured (${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--rollouts",
            defaultValue = "0",
            description = "training: also a step of PPO with so many replies (${DEFAULT-VALUE}).")
    private int rollouts;

    @Option(names = "--json", description = "File to write the figures to.")
    private Optional<Path> json = Optional.empty();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    public BenchCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (seconds < 1 || seconds > 600) {
            throw new ParameterException(spec.commandLine(), "--seconds is 1 to 600, not " + seconds);
        }
        if (interactions < StreamBenchmark.INTERACTIONS_MIN) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--interactions is at least %d, not %d".formatted(StreamBenchmark.INTERACTIONS_MIN, interactions));
        }
        Optional<ReportFile> file = json.isPresent() ? Optional.of(ReportFile.at(json.get())) : Optional.empty();
        Path scratch = Files.createTempDirectory("bellwether-bench");
        try {
            PrintWriter progress = spec.commandLine().getErr();
            BenchmarkReport report = switch (benchmark) {
                case GATEWAY -> new GatewayBenchmark(gateway(scratch), progress).run();
                case OVERLOAD -> new OverloadBenchmark(gateway(scratch), progress).run();
                case SWAP -> new SwapBenchmark(gateway(scratch), progress).run();
                case FEEDBACK -> new FeedbackBenchmark(home(), scratch, Duration.ofSeconds(seconds), progress).run();
                case STREAM -> new StreamBenchmark(home(), scratch, interactions, progress).run();
                case TRAINING -> new TrainingBenchmark(training(scratch), progress).run();
                case SERVING -> new ServingBenchmark(serving(scratch, progress), progress).run();
            };
            report.print(spec.commandLine().getOut());
            if (file.isPresent()) {
                file.get().write(report);
            }
        } finally {
            Folder.delete(scratch);
        }
        return 0;
    }

    private Path home() {
        return Path.of(environment.getOrDefault("BELLWETHER_HOME", "."));
    }

    private GatewayBenchmark.Settings gateway(Path scratch) {
        Optional<Path> recipe = peer.map(Path::of);
        if (recipe.isPresent() && !Files.exists(recipe.get().resolve("package.json"))) {
            throw new ParameterException(
                    spec.commandLine(), "%s holds no package.json of a peer".formatted(recipe.get()));
        }
        return new GatewayBenchmark.Settings(
                home(), scratch, recipe.map(Path::toAbsolutePath), Duration.ofSeconds(seconds));
    }

    private TrainingBenchmark.Settings training(Path scratch) {
        if (rows < 2 || tokens < 8 || steps < 1 || rollouts < 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "training: --rows is at least 2, --tokens 8, --steps 1 and --rollouts 0, not %d, %d, %d and %d"
                            .formatted(rows, tokens, steps, rollouts));
        }
        Path checkpoint = model.orElse(home().resolve("default-policy/artefact"));
        Checkpoint.open(checkpoint);
        return new TrainingBenchmark.Settings(
                home(), scratch, checkpoint, rows, tokens, steps, rollouts, device, pytorch);
    }

    private ServingBenchmark.Settings serving(Path scratch, PrintWriter progress) {
        Optional<Path> peers = Optional.empty();
        if (peer.isPresent()) {
            if (!peer.get().equals(LLAMA_CPP) || model.isEmpty()) {
                throw new ParameterException(
                        spec.commandLine(), "serving: the peer is llama.cpp, and wants --model and its GGUF files");
            }
            Path folder = gguf.orElse(model.get().resolveSibling("gguf"));
            if (!Files.isDirectory(folder)) {
                throw new ParameterException(
                        spec.commandLine(), "%s is no folder; --gguf names that of the GGUF files".formatted(folder));
            }
            peers = Optional.of(folder);
        }
        model.ifPresent(Checkpoint::open);
        OnnxDevice where = OnnxDevice.of(device);
        Path cache = Path.of(environment.getOrDefault("XDG_CACHE_HOME", System.getProperty("user.home") + "/.cache"))
                .resolve("bellwether/llama.cpp");
        return new ServingBenchmark.Settings(
                home(),
                scratch,
                Duration.ofSeconds(seconds),
                model,
                wanted(where),
                where,
                peers.map(folder -> new LlamaCppPeer(folder, cache, progress)),
                turns);
    }

    private List<Precision> wanted(OnnxDevice where) {
        if (where.cuda()) {
            if (!precisions.isEmpty()) {
                throw new ParameterException(
                        spec.commandLine(), "serving: a GPU serves in float16, without --precision");
            }
            return List.of(Precision.FLOAT16);
        }
        if (!precisions.isEmpty()) {
            return precisions;
        }
        return model.isPresent()
                ? List.of(Precision.FLOAT32, Precision.INT8, Precision.INT4)
                : List.of(Precision.FLOAT32);
    }

    /** By its name. */
    private static final class PrecisionConverter implements ITypeConverter<Precision> {
        @Override
        public Precision convert(String name) {
            try {
                return Precision.of(name);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
