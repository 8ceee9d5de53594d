package dev.bellwether.policy.engine;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.onnx.OnnxDevice;
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

    /** Cases that are computed at once. */
    private static final int SLOTS = 8;

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
        of(checkpoint).verify(threads, precision, OnnxDevice.CPU);
    }

    /** Somebody else who serves a checkpoint. */
    public interface Server {
        /** Of the reply's tokens behind the prompt, at temperature 1. */
        float[] logProbabilities(int[] prompt, int[] reply);
    }

    /**
     * As {@link #verify(Checkpoint, int, Precision)}, of a server: each case must agree in the mean of its tokens.
     *
     * @param meanTolerance largest mean difference, in nats
     */
    public static void verify(Checkpoint checkpoint, Server server, double meanTolerance) {
        List<GoldenCase> all = of(checkpoint).all();
        for (int i = 0; i < all.size(); i++) {
            GoldenCase golden = all.get(i);
            float[] actual = server.logProbabilities(golden.prompt(), golden.reply());
            double mean = IntStream.range(0, actual.length)
                    .mapToDouble(t -> Math.abs(actual[t] - golden.logProbabilities()[t]))
                    .average()
                    .orElse(0);
            if (!(mean <= meanTolerance)) {
                throw new UnsupportedCheckpointException(
                        "golden case %d: the server's log-probabilities differ by %.2f in the mean from the trainer's, %s at most are allowed"
                                .formatted(i, mean, meanTolerance));
            }
        }
    }

    /** A checkpoint's cases. */
    record Cases(Checkpoint checkpoint, List<GoldenCase> all) {
        /** Tokens of the longest. */
        int longest() {
            return all.stream()
                    .mapToInt(golden -> golden.prompt().length + golden.reply().length)
                    .max()
                    .orElse(1);
        }

        /** In a session of their own. */
        void verify(int threads, Precision precision, OnnxDevice device) {
            int slots = Math.min(all.size(), SLOTS);
            try (DecoderSession session =
                    DecoderSession.open(checkpoint, slots, longest(), threads, precision, device)) {
                verify(session, slots, precision);
            }
        }

        /** In a session of that many slots that is long enough for all. */
        void verify(DecoderSession session, int slots, Precision precision) {
            List<TeacherForcing.Sample> samples = all.stream()
                    .map(golden -> new TeacherForcing.Sample(golden.prompt(), golden.reply()))
                    .toList();
            int vocabularySize = checkpoint.config().vocabularySize();
            float[][] actual = TeacherForcing.logProbabilities(session, slots, vocabularySize, samples);
            for (int i = 0; i < actual.length; i++) {
                compare(i, all.get(i), precision, actual[i]);
            }
        }
    }

    /** What the checkpoint's directory has, each with all that it needs. */
    static Cases of(Checkpoint checkpoint) {
        Path file = checkpoint.directory().resolve(FILE);
        if (!Files.exists(file)) {
            throw missing(file);
        }
        try {
            List<GoldenCase> cases = read(file);
            if (cases.isEmpty()) {
                throw none(file);
            }
            cases.forEach(golden -> check(golden, checkpoint.config()));
            return new Cases(checkpoint, cases);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    static UnsupportedCheckpointException missing(Path file) {
        return new UnsupportedCheckpointException(
                "%s is missing, by which serving is checked against training".formatted(file));
    }

    static UnsupportedCheckpointException none(Path file) {
        return new UnsupportedCheckpointException("%s holds no case".formatted(file));
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
            if (precision.exact() && !(difference <= golden.tolerance())) {
                throw new UnsupportedCheckpointException(
                        "golden case %d: token %d of the reply has log-probability %.5f, the trainer had %.5f"
                                .formatted(number, t, actual[t], golden.logProbabilities()[t]));
            }
        }
        double mean = sum / Math.max(1, actual.length);
        if (!precision.exact() && !(mean <= precision.meanTolerance())) {
            throw new UnsupportedCheckpointException(
                    ("golden case %d: in %s the reply's log-probabilities differ by %.2f in the mean from the trainer's,"
                                    + " %s at most are allowed")
                            .formatted(number, precision, mean, precision.meanTolerance()));
        }
    }

    private static void check(GoldenCase golden, CheckpointConfig config) {
        if (golden.prompt().length == 0
                || golden.prompt().length + golden.reply().length > config.positionsMax()
                || golden.logProbabilities().length != golden.reply().length
                || !(golden.tolerance() >= 0 && golden.tolerance() <= TOLERANCE_MAX)) {
            throw new UnsupportedCheckpointException(
                    "golden case with an empty prompt, more tokens than the model reads, missing log-probabilities or"
                            + " a tolerance above "
                            + TOLERANCE_MAX);
        }
        IntStream.concat(IntStream.of(golden.prompt()), IntStream.of(golden.reply()))
                .filter(token -> token < 0 || token >= config.vocabularySize())
                .findFirst()
                .ifPresent(token -> {
                    throw new UnsupportedCheckpointException("golden case with unknown token " + token);
                });
    }
}
