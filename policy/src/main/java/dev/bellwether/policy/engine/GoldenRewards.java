package dev.bellwether.policy.engine;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Replies with their raw rewards as the trainer computed them: a reward model is accepted only when serving computes the
 * same.
 */
public final class GoldenRewards {
    /** Differences, in deviations of the scores, that the order of additions explains. */
    private static final double TOLERANCE = .01;

    /** The same as a share of the reward itself, where that is large beside the deviation. */
    private static final double RELATIVE_TOLERANCE = 1e-4;

    /** How much more a file may allow itself; beyond that nothing is checked. */
    private static final double TOLERANCE_FACTOR_MAX = 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    private GoldenRewards() {}

    /**
     * One line of {@code golden.jsonl}.
     *
     * @param prompt tokens of the prompt
     * @param reply tokens of the reply, the end token included
     * @param rewards of each head, before the scale
     * @param tolerance largest difference that is accepted
     */
    public record GoldenReward(
            @JsonProperty(required = true) int[] prompt,
            @JsonProperty(required = true) int[] reply,
            @JsonProperty(required = true) float[] rewards,
            @JsonProperty(required = true) double tolerance) {
        public GoldenReward {
            Objects.requireNonNull(prompt, "prompt");
            Objects.requireNonNull(reply, "reply");
            Objects.requireNonNull(rewards, "rewards");
        }

        /** With the tolerance that becomes a reward model of {@code scale}. */
        public static GoldenReward of(int[] prompt, int[] reply, float[] rewards, RewardScale scale) {
            return new GoldenReward(prompt, reply, rewards, GoldenRewards.tolerance(rewards, scale));
        }
    }

    private static double tolerance(float[] rewards, RewardScale scale) {
        double largest = 0;
        for (float reward : rewards) {
            largest = Math.max(largest, Math.abs(reward));
        }
        return Math.max(TOLERANCE * scale.deviation(), RELATIVE_TOLERANCE * largest);
    }

    public static void write(Path directory, List<GoldenReward> cases) throws IOException {
        List<String> lines = new ArrayList<>();
        for (GoldenReward golden : cases) {
            lines.add(JSON.writeValueAsString(golden));
        }
        Files.write(directory.resolve(GoldenCases.FILE), lines);
    }

    /**
     * Replays the cases of the checkpoint's directory.
     *
     * @throws UnsupportedCheckpointException naming the case, the head and both numbers where they differ; or where there is
     *     no case
     */
    public static void verify(Checkpoint checkpoint, RewardScale scale, int threads) {
        Path file = checkpoint.directory().resolve(GoldenCases.FILE);
        if (!Files.exists(file)) {
            throw GoldenCases.missing(file);
        }
        List<GoldenReward> cases;
        try {
            cases = read(file);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
        if (cases.isEmpty()) {
            throw GoldenCases.none(file);
        }
        cases.forEach(golden -> require(checkpoint.config(), scale, golden));
        int positions = cases.stream()
                .mapToInt(golden -> golden.prompt().length + golden.reply().length)
                .max()
                .orElse(1);
        try (RewardSession session = RewardSession.open(checkpoint, positions, positions, threads)) {
            float[][] actual = session.rewards(cases.stream()
                    .map(golden -> RewardSession.Row.of(golden.prompt(), golden.reply()))
                    .toList());
            for (int i = 0; i < actual.length; i++) {
                compare(i, cases.get(i), actual[i]);
            }
        }
    }

    private static List<GoldenReward> read(Path file) throws IOException {
        List<GoldenReward> cases = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            cases.add(JSON.readValue(line, GoldenReward.class));
        }
        return cases;
    }

    /** Refuses a case that would prove nothing, or that the model cannot read. */
    private static void require(CheckpointConfig config, RewardScale scale, GoldenReward golden) {
        double toleranceMax = TOLERANCE_FACTOR_MAX * tolerance(golden.rewards(), scale);
        if (golden.prompt().length == 0
                || golden.reply().length == 0
                || golden.rewards().length != config.labels()
                || !(golden.tolerance() >= 0 && golden.tolerance() <= toleranceMax)) {
            throw new UnsupportedCheckpointException(
                    "golden case with an empty prompt or reply, missing rewards or a tolerance above " + toleranceMax);
        }
        if (golden.prompt().length + golden.reply().length > config.positionsMax()) {
            throw new UnsupportedCheckpointException(
                    "golden case longer than the model's %d positions".formatted(config.positionsMax()));
        }
        IntStream.concat(IntStream.of(golden.prompt()), IntStream.of(golden.reply()))
                .filter(token -> token < 0 || token >= config.vocabularySize())
                .findFirst()
                .ifPresent(token -> {
                    throw new UnsupportedCheckpointException("golden case with unknown token " + token);
                });
    }

    private static void compare(int number, GoldenReward golden, float[] actual) {
        for (int head = 0; head < actual.length; head++) {
            if (!(Math.abs(actual[head] - golden.rewards()[head]) <= golden.tolerance())) {
                throw new UnsupportedCheckpointException("golden case %d: head %d gives %.5f, the trainer had %.5f"
                        .formatted(number, head, actual[head], golden.rewards()[head]));
            }
        }
    }
}
