package dev.bellwether.simulation.measurement;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.simulation.question.Question;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Draws replies from a policy artefact itself, apart from all traffic.
 *
 * @param temperature of sampling
 * @param completionTokensMax the longest reply
 * @param seed of the first reply; the others follow from it
 */
public record PolicySampler(double temperature, int completionTokensMax, long seed) {
    /** How bots serve unless set otherwise. */
    public static final double SERVING_TEMPERATURE = 0.7;

    /** How long replies are unless set otherwise. */
    public static final int COMPLETION_TOKENS_MAX = 96;

    private static final Duration LIMIT = Duration.ofMinutes(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Those of {@code questions} that the policy in {@code artefact} can read, with room for a reply. */
    public static List<Question> fitting(Path artefact, List<Question> questions) {
        int positions = Checkpoint.open(artefact).config().positionsMax();
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(artefact)) {
            return questions.stream()
                    .filter(question -> prompt(tokenizer, question).length < positions)
                    .toList();
        }
    }

    private static int[] prompt(PolicyTokenizer tokenizer, Question question) {
        return tokenizer.prompt(List.of(Turn.user(question.text())));
    }

    /** Draws {@code each} replies to every question from the checkpoint in {@code artefact}. */
    public List<ReplySample> sample(Path artefact, List<Question> questions, int each) {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(artefact)) {
            List<int[]> prompts = new ArrayList<>();
            for (Question question : questions) {
                int[] prompt = prompt(tokenizer, question);
                for (int i = 0; i < each; i++) {
                    prompts.add(prompt);
                }
            }
            Sampling sampling = Sampling.at(temperature, completionTokensMax, seed);
            List<Completion> completions = BulkGeneration.generate(Checkpoint.open(artefact), prompts, sampling, LIMIT);
            List<ReplySample> samples = new ArrayList<>();
            for (int q = 0; q < questions.size(); q++) {
                List<String> replies = completions.subList(q * each, (q + 1) * each).stream()
                        .map(completion -> tokenizer.decode(completion.tokens()))
                        .toList();
                samples.add(new ReplySample(
                        questions.get(q).text(), questions.get(q).category(), replies));
            }
            return samples;
        }
    }

    /**
     * As {@link #sample}, kept in {@code file} as JSON lines after a first line that says of what; a file of the same
     * artefact, questions and sampling is read instead.
     */
    public List<ReplySample> sampleOnce(Path file, Path artefact, List<Question> questions, int each)
            throws IOException {
        String header = JSON.writeValueAsString(Map.of(
                "sampled",
                "%s, temperature %s, %d tokens, seed %d, %d each"
                        .formatted(
                                Manifest.read(artefact).files().getOrDefault("model.safetensors", ""),
                                temperature,
                                completionTokensMax,
                                seed,
                                each)));
        if (Files.exists(file)) {
            List<String> lines = Files.readAllLines(file);
            if (!lines.isEmpty() && lines.getFirst().equals(header)) {
                List<ReplySample> kept = read(lines.subList(1, lines.size()));
                if (asked(kept).equals(questions)) {
                    return kept;
                }
            }
        }
        List<ReplySample> samples = sample(artefact, questions, each);
        write(file, header, samples);
        return samples;
    }

    private static List<Question> asked(List<ReplySample> samples) {
        return samples.stream()
                .map(sample -> new Question(sample.question(), sample.category()))
                .toList();
    }

    private static List<ReplySample> read(List<String> lines) throws IOException {
        List<ReplySample> samples = new ArrayList<>();
        for (String line : lines) {
            samples.add(JSON.readValue(line, new TypeReference<ReplySample>() {}));
        }
        return samples;
    }

    private static void write(Path file, String header, List<ReplySample> samples) throws IOException {
        List<String> lines = new ArrayList<>(List.of(header));
        for (ReplySample sample : samples) {
            lines.add(JSON.writeValueAsString(sample));
        }
        Path whole = file.toAbsolutePath();
        Files.createDirectories(whole.getParent());
        Path unfinished = whole.resolveSibling(whole.getFileName() + ".unfinished");
        Files.write(unfinished, lines);
        Files.move(unfinished, whole, StandardCopyOption.REPLACE_EXISTING);
    }
}
