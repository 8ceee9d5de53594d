package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.GenerationRequest;
import dev.bellwether.policy.engine.Perplexity;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * A model in the engine alone, on one thread: tokens a second of one and of many replies at once, in each precision,
 * against what the machine could do at most and against a peer; the time to the first token; memory; perplexity.
 */
final class ServingBenchmark {
    private static final int THREADS = 1;
    private static final int TOKENS_MAX = 128;
    private static final int LONG_PROMPT_TOKENS = 7_000;
    private static final int SECOND_TURN_TOKENS = 40;

    /** For the first turn's reply, what the second adds, and its reply. */
    private static final int SECOND_TURN_ROOM = 128;

    private static final int MEMORY_SLOTS = 8;
    private static final int MEMORY_POSITIONS = 2_048;
    private static final double MEGABYTE = 1e6;
    private static final int PERPLEXITY_TURNS = 200;
    private static final int TURNS_OF_CONTEXT = 3;
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * What is measured.
     *
     * @param model a Hugging Face folder; none is the policy that comes with the project
     * @param device where it is computed
     * @param peer the peer's models and programs
     * @param turns dialogues, a JSON object with {@code turns} a line, gzipped: perplexity of some of their turns
     */
    record Settings(
            Path home,
            Path scratch,
            Duration time,
            Optional<Path> model,
            List<Precision> precisions,
            OnnxDevice device,
            Optional<LlamaCppPeer> peer,
            Optional<Path> turns) {}

    private final Settings settings;
    private final PrintWriter out;
    private final List<Figure> figures = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Checkpoint checkpoint;
    private final boolean own;
    private final double gpuBytesPerSecond;

    ServingBenchmark(Settings settings, PrintWriter out) {
        this.settings = settings;
        this.out = out;
        this.own = settings.model().isEmpty();
        this.gpuBytesPerSecond = settings.device().cuda() ? Roofline.memoryBytesPerSecond(settings.device()) : 0;
        this.checkpoint =
                Checkpoint.open(settings.model().orElse(settings.home().resolve("default-policy/artefact")));
    }

    BenchmarkReport run() throws IOException, InterruptedException {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory())) {
            List<int[]> prompts = IntStream.range(0, 64)
                    .mapToObj(i -> tokenizer.prompt(
                            List.of(Turn.user("Case %d: my card has not arrived, what should I do?".formatted(i)))))
                    .toList();
            for (Precision precision : settings.precisions()) {
                rates(precision, prompts);
            }
            if (!own) {
                Precision last = settings.precisions().getLast();
                conversation(last, tokenizer);
                if (!settings.device().cuda()) {
                    memory(last, tokenizer);
                    perplexities(tokenizer);
                }
            }
        }
        return new BenchmarkReport("serving of " + name(), machine(), figures, notes);
    }

    private String machine() throws IOException {
        return settings.device().cuda()
                ? "%s; %s".formatted(settings.device().why(), Machine.describe())
                : Machine.describe();
    }

    private String name() {
        return own
                ? "the default policy"
                : String.valueOf(checkpoint.directory().toAbsolutePath().normalize());
    }

    private void rates(Precision precision, List<int[]> prompts) throws IOException, InterruptedException {
        EngineConfig config = new EngineConfig(
                slots(), 512, 256, THREADS, settings.device().cuda() ? 4_096 : 512, precision, settings.device());
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, config)) {
            Conversations conversations = new Conversations(engine, prompts, TOKENS_MAX);
            say("%s: warming up".formatted(precision));
            conversations.measure(8, settings.time().dividedBy(2));
            double alone = 0;
            for (int atOnce : atOnce()) {
                say("%s: %d at once".formatted(precision, atOnce));
                Conversations.Rates rates = conversations.measure(atOnce, settings.time());
                alone = atOnce == 1 ? rates.decoded() : alone;
                rate(precision, atOnce, rates, alone, prompts);
            }
        }
    }

    private void rate(Precision precision, int atOnce, Conversations.Rates rates, double alone, List<int[]> prompts)
            throws IOException, InterruptedException {
        String at = "%s, %d at once".formatted(precision, atOnce);
        Figure decoded = Figure.of("decoded", at, rates.decoded(), "tokens/s");
        if (settings.device().cuda()) {
            figures.add(againstMemory(decoded, atOnce, prompts));
        } else {
            figures.add(precision == Precision.FLOAT32 && own ? againstRoofline(decoded, atOnce) : decoded);
        }
        Figure all = Figure.of("with prompts read", at, rates.all(), "tokens/s");
        if (settings.peer().isPresent() && (atOnce == 1 || atOnce == 16)) {
            all = againstPeer(all, settings.peer().get(), precision, atOnce, prompts);
        }
        figures.add(all);
        int most = own ? 32 : 16;
        double wanted = own ? 3 : 4;
        if (atOnce == most) {
            figures.add(Figure.of("decoded", at + " over one", rates.decoded() / alone, "times")
                    .goal("at least %.0f".formatted(wanted), rates.decoded() >= wanted * alone));
        }
        double first = rates.firstToken().getValueAtPercentile(99) / 1e6;
        Figure time = Figure.of("first token, p99", at, first, "ms");
        figures.add(own && atOnce == 8 ? time.goal("at most 100 ms", first <= 100) : time);
    }

    private Figure againstRoofline(Figure decoded, int atOnce) {
        List<TensorShape> matrices = checkpoint.config().tensors().stream()
                .filter(tensor -> tensor.dimensions().size() == 2)
                .toList();
        Roofline roofline = Roofline.measure(matrices, THREADS, settings.time().dividedBy(8), settings.scratch());
        double numbers = matrices.stream().mapToDouble(TensorShape::size).sum();
        double most = roofline.tokensPerSecond(atOnce, numbers, numbers * Float.BYTES);
        return decoded.against(
                        "the machine's most (%.1f GB/s, %.0f GFLOP/s)"
                                .formatted(roofline.bytesPerSecond() / 1e9, roofline.operationsPerSecond() / 1e9),
                        most)
                .goal("at least .6 of it", decoded.value() >= .6 * most);
    }

    private int slots() {
        return settings.device().cuda() ? 64 : 32;
    }

    private List<Integer> atOnce() {
        return settings.device().cuda() ? List.of(1, 8, 16, 32, 64) : List.of(1, 8, 16, 32);
    }

    /** What a step has to read of a GPU's memory: all matrices once, and keys and values of half of the tokens in the mean. */
    private Figure againstMemory(Figure decoded, int atOnce, List<int[]> prompts) {
        CheckpointConfig model = checkpoint.config();
        double matrices = model.tensors().stream()
                .filter(tensor -> tensor.dimensions().size() == 2)
                .mapToDouble(TensorShape::size)
                .sum();
        double prompt = prompts.stream().mapToInt(each -> each.length).average().orElse(0);
        double cached = 2.0 * model.layers() * model.keyValueHeads() * model.headSize() * (prompt + TOKENS_MAX / 2.0);
        double bytes = Short.BYTES * (matrices + atOnce * cached);
        double most = atOnce * gpuBytesPerSecond / bytes;
        return decoded.against("the GPU's memory (%.0f GB/s)".formatted(gpuBytesPerSecond / 1e9), most)
                .goal("at least .4 of it at 64", atOnce < 64 || decoded.value() >= .4 * most);
    }

    private Figure againstPeer(Figure figure, LlamaCppPeer peer, Precision precision, int atOnce, List<int[]> prompts)
            throws IOException, InterruptedException {
        Optional<String> format = LlamaCppPeer.formatOf(precision);
        if (format.isEmpty()) {
            return figure;
        }
        say("llama.cpp %s: %d at once".formatted(format.get(), atOnce));
        double theirs = atOnce == 1
                ? peer.alone(format.get(), prompts, TOKENS_MAX, settings.time())
                : peer.together(format.get(), prompts, atOnce, TOKENS_MAX, settings.time());
        return figure.against("llama.cpp " + format.get(), theirs).goal("at least 1.0 of it", figure.value() >= theirs);
    }

    /** A long prompt, then the same conversation's next turn. */
    private void conversation(Precision precision, PolicyTokenizer tokenizer) throws InterruptedException {
        int positions = Math.min(checkpoint.config().positionsMax(), LONG_PROMPT_TOKENS + 1_024);
        int length = Math.min(LONG_PROMPT_TOKENS, positions - SECOND_TURN_ROOM);
        say("%s: a prompt of %d tokens".formatted(precision, length));
        EngineConfig config = new EngineConfig(
                2, positions, 16, THREADS, settings.device().cuda() ? 4_096 : 512, precision, settings.device());
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, config)) {
            int[] prompt = text(tokenizer, length);
            String at = "%s, %d tokens of prompt".formatted(precision, length);
            double first = firstToken(engine, prompt);
            int[] reply = engine.generate(List.of(new GenerationRequest(prompt, Sampling.at(0, 16, 1), LIMIT)))
                    .getFirst()
                    .tokens();
            int[] next = Arrays.copyOf(prompt, prompt.length + reply.length + SECOND_TURN_TOKENS);
            System.arraycopy(reply, 0, next, prompt.length, reply.length);
            System.arraycopy(prompt, 0, next, prompt.length + reply.length, SECOND_TURN_TOKENS);
            double second = firstToken(engine, next);
            figures.add(Figure.of("first token, first turn", at, first, "ms"));
            figures.add(Figure.of("first token, second turn", at, second, "ms")
                    .against("the first turn's", first)
                    .goal("10 times sooner", second * 10 <= first));
        }
    }

    private static double firstToken(GenerationEngine engine, int[] prompt) throws InterruptedException {
        return new Conversations(engine, List.of(prompt), 1)
                        .measure(1, Duration.ZERO)
                        .firstToken()
                        .getMaxValueAsDouble()
                / 1e6;
    }

    /** As many tokens of running text. */
    private static int[] text(PolicyTokenizer tokenizer, int tokens) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < tokens * 8; i++) {
            text.append(
                    "On day %d customer %d asked about order %d, and was told to wait. ".formatted(i, i * 7, i * 31));
        }
        return Arrays.copyOf(tokenizer.encode(text.toString()), tokens);
    }

    /** What the process holds with all slots full, beyond what it holds once the model is closed. */
    private void memory(Precision precision, PolicyTokenizer tokenizer) throws IOException {
        int positions = Math.min(checkpoint.config().positionsMax(), MEMORY_POSITIONS);
        say("%s: memory of %d slots of %d tokens".formatted(precision, MEMORY_SLOTS, positions));
        int[] all = text(tokenizer, MEMORY_SLOTS * positions);
        List<int[]> prompts = IntStream.range(0, MEMORY_SLOTS)
                .mapToObj(i -> Arrays.copyOfRange(all, i * positions, (i + 1) * positions - 8))
                .toList();
        EngineConfig config = new EngineConfig(MEMORY_SLOTS, positions, 16, THREADS, 512, precision, OnnxDevice.CPU);
        double full;
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, config)) {
            engine.generate(prompts, Sampling.at(1, 8, 1), LIMIT);
            full = resident();
        }
        double beyond = (full - resident()) / MEGABYTE;
        figures.add(Figure.of(
                        "memory",
                        "%s, %d slots of %d tokens, all full".formatted(precision, MEMORY_SLOTS, positions),
                        beyond,
                        "MB")
                .goal("at most 600 MB over the JVM's own", beyond <= 600));
        notes.add("memory: what the process held, less what it held once the model was closed");
    }

    private static double resident() throws IOException {
        System.gc();
        NativeMemory.trim();
        return Machine.residentBytes(ProcessHandle.current().pid());
    }

    private void perplexities(PolicyTokenizer tokenizer) throws IOException {
        if (settings.turns().isEmpty()) {
            return;
        }
        List<int[]> sequences = turns(settings.turns().get(), tokenizer);
        double exact = 0;
        for (Precision precision : settings.precisions()) {
            say("%s: perplexity".formatted(precision));
            double perplexity = Perplexity.of(checkpoint, sequences, precision, Machine.cores());
            Figure figure =
                    Figure.of("perplexity", "%s, %d turns".formatted(precision, sequences.size()), perplexity, "");
            if (precision == Precision.FLOAT32) {
                exact = perplexity;
            } else if (exact > 0) {
                figure = figure.against("float32's", exact).goal("within 3 %", perplexity <= 1.03 * exact);
            }
            figures.add(figure);
        }
    }

    /** Every so many dialogues' turn in the middle, with a few before it. */
    private static List<int[]> turns(Path file, PolicyTokenizer tokenizer) throws IOException {
        List<int[]> sequences = new ArrayList<>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            for (int i = 0; line != null && sequences.size() < PERPLEXITY_TURNS; i++, line = lines.readLine()) {
                if (i % 10 != 0) {
                    continue;
                }
                JsonNode turns = JSON.readTree(line).path("turns");
                int middle = turns.size() / 2;
                List<String> texts = new ArrayList<>();
                for (int t = Math.max(0, middle - TURNS_OF_CONTEXT); t <= middle; t++) {
                    texts.add(turns.path(t).path("role").asText() + ": "
                            + turns.path(t).path("content").asText());
                }
                sequences.add(tokenizer.encode(String.join("\n", texts)));
            }
        }
        return sequences;
    }

    private void say(String what) {
        out.println(what);
        out.flush();
    }
}
