package dev.bellwether.policy.engine;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Replies with their tokens' log-probabilities as the trainer computed them: a version is accepted only when serving
 * computes the same.
 */
public final class GoldenCases {
    public static final String FILE = "golden.jsonl";

    /** Wider than what rounding to bfloat16 could explain, nothing is checked. */
    private static final double TOLERANCE_MAX = .1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private GoldenCases() {}

    /**
     * One line of {@code golden.jsonl}.
     *
     * @param prompt tokens of the prompt
     * @param reply tokens of the reply
     * @param logProbabilities of each reply token at temperature 1
     * @param tolerance largest difference that the number format explains
     */
    public record GoldenCase(
            int[] prompt,
            int[] reply,
            @JsonProperty("log_probabilities") float[] logProbabilities,
            double tolerance) {}

    public static void write(Path directory, List<GoldenCase> cases) throws IOException {
        List<String> lines = new ArrayList<>();
        for (GoldenCase golden : cases) {
            lines.add(JSON.writeValueAsString(golden));
        }
        Files.write(directory.resolve(FILE), lines);
    }

    /**
     * Replays the cases of the checkpoint's directory: in float32 each token must agree within the case's tolerance, in
     * fewer bits each case in the mean of its tokens.
     *
     * @throws UnsupportedCheckpointException naming the case, the token and both numbers where they differ
     */
    public static void verify(Checkpoint checkpoint, int threads, Precision precision) {
        Path file = checkpoint.directory().resolve(FILE);
        if (!Files.exists(file)) {
            throw new UnsupportedCheckpointException(
                    "%s is missing, by which serving is checked against training".formatted(file));
        }
        List<GoldenCase> cases;
        try {
            cases = read(file);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
        if (cases.isEmpty()) {
            throw new UnsupportedCheckpointException("%s holds no case".formatted(file));
        }
        int positions = cases.stream()
                .mapToInt(golden -> golden.prompt().length + golden.reply().length)
                .max()
                .orElse(1);
        try (DecoderSession session = DecoderSession.open(checkpoint, 1, positions, threads, precision)) {
            for (int i = 0; i < cases.size(); i++) {
                compare(i, cases.get(i), precision, logProbabilities(session, checkpoint, cases.get(i)));
            }
        }
    }

    private static List<GoldenCase> read(Path file) throws IOException {
        List<GoldenCase> cases = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            cases.add(JSON.readValue(line, GoldenCase.class));
        }
        return cases;
    }

    private static void compare(int number, GoldenCase golden, Precision precision, float[] actual) {
        double sum = 0;
        for (int t = 0; t < actual.length; t++) {
            double difference = Math.abs(actual[t] - golden.logProbabilities()[t]);
            sum += difference;
            if (!precision.quantized() && !(difference <= golden.tolerance())) {
                throw new UnsupportedCheckpointException(
                        "golden case %d: token %d of the reply has log-probability %.5f, the trainer had %.5f"
                                .formatted(number, t, actual[t], golden.logProbabilities()[t]));
            }
        }
        double mean = sum / Math.max(1, actual.length);
        if (precision.quantized() && !(mean <= precision.meanTolerance())) {
            throw new UnsupportedCheckpointException(
                    "golden case %d: in %s the reply's log-probabilities differ by %.2f in the mean from the trainer's, %s at most are allowed"
                            .formatted(number, precision, mean, precision.meanTolerance()));
        }
    }

    private static float[] logProbabilities(DecoderSession session, Checkpoint checkpoint, GoldenCase golden) {
        int vocabulary = checkpoint.config().vocabularySize();
        if (golden.prompt().length == 0
                || golden.logProbabilities().length != golden.reply().length
                || !(golden.tolerance() >= 0 && golden.tolerance() <= TOLERANCE_MAX)) {
            throw new UnsupportedCheckpointException(
                    "golden case with an empty prompt, missing log-probabilities or a tolerance above "
                            + TOLERANCE_MAX);
        }
        IntStream.concat(IntStream.of(golden.prompt()), IntStream.of(golden.reply()))
                .filter(token -> token < 0 || token >= vocabulary)
                .findFirst()
                .ifPresent(token -> {
                    throw new UnsupportedCheckpointException("golden case with unknown token " + token);
                });
        float[] result = new float[golden.reply().length];
        float[] logits = new float[vocabulary];
        session.prefill(0, List.of(golden.prompt()));
        for (int t = 0; t < result.length; t++) {
            int token = golden.reply()[t];
            session.logits(0, logits);
            result[t] = logProbability(logits, token);
            if (t + 1 < result.length) {
                session.decode(1, new int[] {token}, new int[] {golden.prompt().length + t});
            }
        }
        return result;
    }

    static float logProbability(float[] logits, int token) {
        double top = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            top = Math.max(top, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - top);
        }
        return (float) (logits[token] - top - Math.log(sum));
    }
}
