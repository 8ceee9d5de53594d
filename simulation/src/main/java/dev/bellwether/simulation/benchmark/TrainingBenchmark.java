package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.standalone.ChildProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Steps of training, each in a process of its own: of all weights and of adapters, against products of the model's matrices
 * alone and, where Python has it, against PyTorch with the same model, shapes and threads.
 */
final class TrainingBenchmark {
    private static final String SCRIPT = "training_step.py";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofHours(2);
    private static final double OF_PYTORCH_MIN = .8;
    private static final double OF_CEILING_MIN = .5;

    /** Larger models would take the machine's memory with all their weights in training. */
    private static final long ALL_WEIGHTS_MAX = 300_000_000;

    /** A forward pass multiplies and adds each weight once a token; the way back does so twice. */
    private static final double OPERATIONS_FULL = 6;

    private static final double OPERATIONS_ADAPTED = 4;

    private final Settings settings;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();

    /**
     * What to measure.
     *
     * @param model a Hugging Face folder
     * @param rows samples of a step
     * @param tokens of a sample
     * @param rollouts replies of a step of PPO; 0 leaves it out
     * @param device {@code cpu} or {@code cuda:N}
     * @param python an interpreter that has torch and transformers, and peft for adapters
     */
    record Settings(
            Path home,
            Path scratch,
            Path model,
            int rows,
            int tokens,
            int steps,
            int rollouts,
            String device,
            Optional<String> python) {}

    TrainingBenchmark(Settings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
    }

    BenchmarkReport run() throws IOException {
        long parameters = 0;
        for (boolean lora : List.of(false, true)) {
            if (lora || parameters(settings.model()) <= ALL_WEIGHTS_MAX) {
                JsonNode ours = ours(lora);
                parameters = ours.path("parameters").asLong();
                report(lora, ours);
                if (settings.python().isPresent()) {
                    against(lora, ours, peer(lora, settings.python().get()));
                }
            }
        }
        return new BenchmarkReport(
                "training",
                gpu() ? "%s of %s".formatted(settings.device(), Machine.describe()) : Machine.describe(),
                figures,
                List.of(
                        "%.0f million parameters; a step is %d samples of %d tokens, a quarter of them prompt, in %s"
                                .formatted(
                                        parameters / 1e6,
                                        settings.rows(),
                                        settings.tokens(),
                                        gpu() ? "bfloat16 over float32 weights" : "float32"),
                        "the ceiling counts products with the weights alone, as fast as the same library does them one by"
                                + " one; attention and the vocabulary's head come on top of it"));
    }

    private boolean gpu() {
        return !settings.device().equals("cpu");
    }

    private static long parameters(Path model) throws IOException {
        long bytes = 0;
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".safetensors"))
                    .toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes / 2;
    }

    private List<String> shapes(boolean lora) {
        List<String> arguments = new ArrayList<>(List.of(
                "--checkpoint", settings.model().toAbsolutePath().toString(),
                "--rows", Integer.toString(settings.rows()),
                "--tokens", Integer.toString(settings.tokens()),
                "--steps", Integer.toString(settings.steps()),
                "--device", settings.device()));
        if (lora) {
            arguments.add("--lora");
        }
        return arguments;
    }

    private JsonNode ours(boolean lora) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(settings.home().toAbsolutePath().resolve("bellwether").toString(), "train", "speed"));
        command.addAll(shapes(lora));
        command.addAll(List.of("--rollouts", Integer.toString(settings.rollouts())));
        return measured(lora ? "adapters" : "all weights", command);
    }

    private JsonNode peer(boolean lora, String python) throws IOException {
        Path script = settings.scratch().resolve(SCRIPT);
        try (InputStream content =
                Objects.requireNonNull(TrainingBenchmark.class.getResourceAsStream(SCRIPT), SCRIPT)) {
            Files.copy(content, script, StandardCopyOption.REPLACE_EXISTING);
        }
        List<String> command = new ArrayList<>(List.of(python, script.toString()));
        command.addAll(shapes(lora));
        command.addAll(List.of("--threads", Integer.toString(Machine.cores())));
        return measured(lora ? "PyTorch, adapters" : "PyTorch, all weights", command);
    }

    /** The last line that the program prints. */
    private JsonNode measured(String what, List<String> command) throws IOException {
        out.printf("measuring %s%n", what);
        out.flush();
        Path log = Files.createTempFile(settings.scratch(), "measured", ".log");
        try (ChildProcess process = ChildProcess.start(what, command, Map.of(), settings.scratch(), log)) {
            process.awaitExit(LIMIT);
            int status = process.exitStatus().orElse(-1);
            List<String> lines = Files.readAllLines(log);
            if (status != 0 || lines.isEmpty()) {
                throw new IOException("%s ended with %d: %s".formatted(what, status, String.join("\n", lines)));
            }
            return JSON.readTree(lines.getLast());
        }
    }

    private void report(boolean lora, JsonNode ours) {
        String at = lora ? "adapters" : "all weights";
        double tokens = (double) settings.rows() * settings.tokens();
        double operations = (lora ? OPERATIONS_ADAPTED : OPERATIONS_FULL)
                * ours.path("parameters").asLong()
                * tokens
                / ours.path("sft_seconds").asDouble();
        double share = operations / ours.path("matrix_flops").asDouble();
        figures.add(seconds("SFT step", at, ours, "sft_seconds"));
        figures.add(Figure.of("SFT, of the ceiling", at, operations / 1e9, "GFLOP/s")
                .against("products alone", ours.path("matrix_flops").asDouble() / 1e9)
                .goal("at least .5", share >= OF_CEILING_MIN));
        figures.add(seconds("reward model step", at, ours, "reward_seconds"));
        figures.add(seconds("forward alone", at, ours, "forward_seconds"));
        figures.add(Figure.of(
                "resident at the peak", at, ours.path("resident_peak_bytes").asDouble() / 1e9, "GB"));
        JsonNode ppo = ours.path("ppo");
        for (String phase : List.of("rollouts", "scoring", "training")) {
            if (ppo.has("time/" + phase)) {
                figures.add(Figure.of(
                        "PPO step, " + phase,
                        "%s, %d replies".formatted(at, settings.rollouts()),
                        ppo.path("time/" + phase).asDouble(),
                        "s"));
            }
        }
    }

    private static Figure seconds(String name, String at, JsonNode measured, String field) {
        return Figure.of(name, at, measured.path(field).asDouble(), "s");
    }

    private void against(boolean lora, JsonNode ours, JsonNode theirs) {
        String at = lora ? "adapters" : "all weights";
        String name = "PyTorch " + theirs.path("version").asText();
        double share =
                theirs.path("sft_seconds").asDouble() / ours.path("sft_seconds").asDouble();
        double tokens = (double) settings.rows() * settings.tokens();
        figures.add(Figure.of("SFT", at, tokens / ours.path("sft_seconds").asDouble(), "tokens/s")
                .against(name, tokens / theirs.path("sft_seconds").asDouble())
                .goal("at least .8", share >= OF_PYTORCH_MIN));
        figures.add(Figure.of(
                        "resident at the peak",
                        at,
                        ours.path("resident_peak_bytes").asDouble() / 1e9,
                        "GB")
                .against(name, theirs.path("resident_peak_bytes").asDouble() / 1e9));
    }
}
