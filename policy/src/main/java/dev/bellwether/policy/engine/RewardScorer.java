package dev.bellwether.policy.engine;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Scores replies to a prompt with a reward model's heads, as the trainer scored them when it learned.
 *
 * <p>A prompt that leaves no room for the longest of its replies is cut at its front, for all of them alike, so that all
 * are judged in the same context; a reply that leaves no room for a single token of a prompt is refused.
 *
 * <p>Safe for use by many threads; they are served one after another.
 */
public final class RewardScorer implements AutoCloseable {
    /** In the manifest, of what the refresh says: how long the longest samples are that were learned from. */
    public static final String SAMPLE_TOKENS_MAX = "sample_tokens_max";

    private final PolicyTokenizer tokenizer;
    private final RewardSession session;
    private final RewardScale scale;
    private final int endToken;
    private final int positions;
    private boolean closed;

    /**
     * A reply's score, and how far the heads disagree on it, both in deviations of the scale.
     *
     * @param heads what each says, in logits of being preferred
     */
    public record Score(double mean, double spread, List<Double> heads) {
        public Score {
            heads = List.copyOf(heads);
        }

        /** Mean and standard deviation of the heads' raw rewards, after {@code scale}. */
        public static Score of(float[] heads, RewardScale scale) {
            double mean = 0;
            for (float head : heads) {
                mean += head / heads.length;
            }
            double variance = 0;
            for (float head : heads) {
                variance += (head - mean) * (head - mean) / heads.length;
            }
            return new Score(
                    (mean - scale.mean()) / scale.deviation(),
                    Math.sqrt(variance) / scale.deviation(),
                    IntStream.range(0, heads.length)
                            .mapToObj(head -> (double) heads[head])
                            .toList());
        }

        /** How far the heads disagree on whether this reply is preferred to {@code other}: the variance of their probabilities. */
        public double doubt(Score other) {
            double[] preferred = IntStream.range(0, heads.size())
                    .mapToDouble(head -> 1 / (1 + Math.exp(other.heads.get(head) - heads.get(head))))
                    .toArray();
            double mean = Arrays.stream(preferred).average().orElse(0);
            return Arrays.stream(preferred)
                    .map(each -> (each - mean) * (each - mean))
                    .average()
                    .orElse(0);
        }
    }

    private RewardScorer(
            PolicyTokenizer tokenizer, RewardSession session, RewardScale scale, int endToken, int positions) {
        this.tokenizer = tokenizer;
        this.session = session;
        this.scale = scale;
        this.endToken = endToken;
        this.positions = positions;
    }

    /**
     * Opens a reward model of the store after checking its manifest, its numbers, its tokenizer and its golden cases;
     * takes seconds.
     *
     * @throws UnsupportedCheckpointException naming what is wrong with it
     */
    public static RewardScorer load(PolicyStore store, String bot, String name, int threads) {
        Checkpoint checkpoint = store.openReward(bot, name);
        Manifest manifest = store.manifest(bot, name);
        RewardScale scale = manifest.scale();
        if (scale == null) {
            throw new UnsupportedCheckpointException("%s of bot %s has no scale in its manifest".formatted(name, bot));
        }
        JsonNode about = manifest.refresh();
        int positions = about == null ? 0 : about.path(SAMPLE_TOKENS_MAX).asInt();
        return open(
                checkpoint,
                scale,
                ScorerConfig.serving(positions > 1 ? positions : ScorerConfig.SAMPLE_TOKENS_MAX, threads));
    }

    /** Opens a reward model's directory after checking its numbers, its tokenizer and its golden cases. */
    public static RewardScorer open(Checkpoint checkpoint, RewardScale scale, ScorerConfig config) {
        CheckpointConfig model = checkpoint.config();
        if (!model.rewardModel()) {
            throw new UnsupportedCheckpointException("%s is no reward model".formatted(checkpoint.directory()));
        }
        if (!Double.isFinite(scale.mean()) || !Double.isFinite(scale.deviation()) || scale.deviation() <= 0) {
            throw new UnsupportedCheckpointException(
                    "the scale's mean is %s and its deviation %s; needed are numbers, the second above 0"
                            .formatted(scale.mean(), scale.deviation()));
        }
        checkpoint.requireFinite();
        GoldenRewards.verify(checkpoint, scale, config.threads());
        PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
        try {
            tokenizer.requireWithin(model.vocabularySize());
            int endToken = endToken(tokenizer, model);
            int positions = Math.min(config.positionsMax(), model.positionsMax());
            RewardSession session = RewardSession.open(checkpoint, positions, config.batchTokens(), config.threads());
            return new RewardScorer(tokenizer, session, scale, endToken, positions);
        } catch (RuntimeException | Error e) {
            tokenizer.close();
            throw e;
        }
    }

    private static int endToken(PolicyTokenizer tokenizer, CheckpointConfig model) {
        if (model.endTokens().isEmpty()) {
            throw new UnsupportedCheckpointException("config.json: eos_token_id is missing");
        }
        int token = tokenizer.endOfReply(model.endTokens());
        if (token < 0 || token >= model.vocabularySize()) {
            throw new UnsupportedCheckpointException(
                    "config.json: eos_token_id %d is not below vocab_size %d".formatted(token, model.vocabularySize()));
        }
        return token;
    }

    /** Longest prompt and reply together, in tokens; of what is longer, the prompt's beginning is not read. */
    public int positionsMax() {
        return positions;
    }

    /**
     * Scores whole replies to one prompt; takes as long as they are, so not on an event loop.
     *
     * @return a score for each of {@code replies}, in their order
     * @throws IllegalArgumentException where a reply alone is longer than {@link #positionsMax} allows
     */
    public synchronized List<Score> score(List<Turn> prompt, List<String> replies) {
        if (closed) {
            throw new IllegalStateException("the reward model is closed");
        }
        List<int[]> tokens =
                replies.stream().map(reply -> tokenizer.reply(reply, endToken)).toList();
        int longest = tokens.stream().mapToInt(reply -> reply.length).max().orElse(0);
        if (longest >= positions) {
            throw new IllegalArgumentException("a reply of %d tokens leaves no room for its prompt; at most %d do"
                    .formatted(longest, positions - 1));
        }
        int[] whole = tokenizer.prompt(prompt);
        int[] read = Arrays.copyOfRange(whole, Math.max(0, whole.length - (positions - longest)), whole.length);
        float[][] rewards = session.rewards(
                tokens.stream().map(reply -> RewardSession.Row.of(read, reply)).toList());
        List<Score> scores = new ArrayList<>();
        for (float[] heads : rewards) {
            Score score = Score.of(heads, scale);
            if (!Double.isFinite(score.mean()) || !Double.isFinite(score.spread())) {
                throw new IllegalStateException("the reward model computed a number that is not finite");
            }
            scores.add(score);
        }
        return scores;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            session.close();
            tokenizer.close();
        }
    }
}
