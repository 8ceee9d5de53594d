package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.checkpoint.Adapter;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Phrases;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.objective.Rollouts;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.release.Suite;
import dev.bellwether.trainer.reward.Relevance;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.sft.SftConfig;
import dev.bellwether.trainer.sft.SupervisedFineTuning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the stages of a refresh share: the origin's weights, the snapshot as tokens, and memory on the device. */
final class Workshop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Workshop.class);

    /** With fewer prompts than these all are trained on, and the candidate is examined on the same. */
    private static final int PROMPTS_MANY = 400;

    private static final double EXAMINED_SHARE = .15;

    private final RefreshConfig config;
    private final RewardConfig reward;
    private final Checkpoint origin;
    private final CheckpointConfig policy;
    private final Weights base;
    private final Optional<LoraConfig> lora;
    private final Transformer model;
    private final Rollouts rollouts;
    private final Judgements judgements;
    private final List<int[]> prompts;
    private final List<int[]> examined;
    private final LearnedFrom people;
    private final Suite suite;
    private final int tokensMax;
    private final int pairsLeftOut;
    private final int votesLeftOut;
    private final Optional<Relevance> relevance;
    private Phrases.@Nullable Usual usualPhrases;

    Workshop(RefreshConfig config, RewardConfig reward, Checkpoint origin, Snapshot snapshot) {
        this.config = config;
        this.reward = reward;
        this.origin = origin;
        this.policy = origin.config();
        this.base = Weights.of(origin, config.training().device());
        this.lora = config.training().adapters(policy);
        this.model = new Transformer(policy);
        this.rollouts = new Rollouts(origin);
        this.people = LearnedFrom.users(snapshot.people());
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(origin.directory())) {
            tokensMax = Math.min(config.training().sampleTokensMax(), policy.positionsMax());
            int endToken = tokenizer.endOfReply(policy.endTokens());
            Snapshot.Tokens tokens = snapshot.new Tokens(tokenizer, endToken, tokensMax);
            suite = new Suite(config.suite(), tokenizer, endToken, tokensMax);
            List<Comparison> comparisons = tokens.comparisons();
            Snapshot.Tokens.Votes heard = tokens.votes();
            judgements = new Judgements(comparisons, heard.cast());
            votesLeftOut = heard.leftOut();
            List<int[]> all = tokens.prompts(config.completionTokensMax());
            boolean many = all.size() >= PROMPTS_MANY;
            prompts = all.stream().filter(each -> !many || !examined(each)).toList();
            examined = all.stream().filter(each -> !many || examined(each)).toList();
            pairsLeftOut = snapshot.pairs().size() - comparisons.size();
            relevance = config.training().relevance() ? relevance(tokenizer) : Optional.empty();
        }
    }

    private Optional<Relevance> relevance(PolicyTokenizer tokenizer) {
        try {
            int[] nothing = tokenizer.prompt(List.of(Turn.user("")));
            return nothing.length == 0
                    ? Optional.empty()
                    : Optional.of(new Relevance(model, base, nothing, reward.batchTokens()));
        } catch (PromptRefusedException e) {
            LOG.warn("relevance counts for nothing: the template takes no empty turn: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /** Of prompt and reply together, of what is learned from. */
    int tokensMax() {
        return tokensMax;
    }

    /** What people judged and nothing is learned from, in words. */
    List<String> leftOut() {
        return pairsLeftOut + votesLeftOut == 0
                ? List.of()
                : List.of(
                        "%d pairs and %d thumbs are left out, longer than %d tokens; `training: {sample_tokens_max: …}` allows more"
                                .formatted(pairsLeftOut, votesLeftOut, tokensMax));
    }

    Checkpoint origin() {
        return origin;
    }

    CheckpointConfig policy() {
        return policy;
    }

    /** The weights that training starts from and stays close to; nobody changes them. */
    Weights base() {
        return base;
    }

    /** The origin as it is trained: all its weights, or adapters. */
    Weights trainable() {
        return base.trainable(policy, lora, config.seed());
    }

    /**
     * {@code champion} as it is trained; the origin, where the champion has another shape, or was not trained by these
     * adapters of the origin.
     */
    Weights trainable(Checkpoint champion) {
        if (!champion.config().tensors().equals(policy.tensors())) {
            LOG.warn("{} has another shape than {}; training begins there", champion.directory(), origin.directory());
            return trainable();
        }
        if (lora.isEmpty()) {
            try (Weights weights = Weights.of(champion, base.device())) {
                return weights.trainable(policy, lora, config.seed());
            }
        }
        // Adapters that the origin brings are in the base's weights already.
        boolean ours = origin.adapter().isEmpty()
                && champion.weightsDirectory().equals(origin.weightsDirectory())
                && champion.adapter()
                        .map(Adapter::lora)
                        .filter(lora.get()::sameAs)
                        .isPresent();
        if (!ours) {
            LOG.warn(
                    "{} holds no such adapters of {}; training begins there", champion.directory(), origin.directory());
            return trainable();
        }
        return AdapterFolder.read(base, policy, champion.directory());
    }

    double learningRateFactor() {
        return config.training().learningRateFactor(policy);
    }

    Rollouts rollouts() {
        return rollouts;
    }

    Judgements judgements() {
        return judgements;
    }

    /** Whose data this is. */
    LearnedFrom people() {
        return people;
    }

    /** Whether a prompt is kept for the release gate. */
    private static boolean examined(int[] prompt) {
        return Math.floorMod(Arrays.hashCode(prompt), 1_000) < 1_000 * EXAMINED_SHARE;
    }

    /** Different prompts that no policy was trained on, as far as there are enough for both; {@code most} at most. */
    List<int[]> examined(int most, long seed) {
        List<int[]> order = new ArrayList<>(examined);
        Collections.shuffle(order, new Random(seed));
        return List.copyOf(order.subList(0, Math.min(most, order.size())));
    }

    /** Every different prompt of the snapshot that the policy may be trained on. */
    List<int[]> prompts() {
        return prompts;
    }

    /** {@code count} prompts, drawn with replacement. */
    List<int[]> prompts(int count, long seed) {
        Random random = new Random(seed);
        List<int[]> drawn = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            drawn.add(prompts.get(random.nextInt(prompts.size())));
        }
        return drawn;
    }

    /** One reply to each of {@code asked}, sampled as the policy is trained: every token in play. */
    List<Rollout> sample(Weights weights, List<int[]> asked, long seed) {
        return sample(weights, asked, 1, seed);
    }

    /** The same as the bot serves. */
    List<Rollout> served(Weights weights, List<int[]> asked, long seed) {
        return sample(weights, asked, config.topP(), seed);
    }

    /** KL(policy with these weights ‖ origin), estimated from a reply to each of {@code asked}; nats a reply. */
    double divergence(Weights weights, List<int[]> asked, long seed) {
        return Rollouts.divergence(
                model,
                base,
                sample(weights, asked, seed),
                config.samplingTemperature(),
                PpoConfig.DEFAULT.update().batchTokens());
    }

    private List<Rollout> sample(Weights weights, List<int[]> asked, double topP, long seed) {
        try {
            double temperature = config.samplingTemperature();
            return rollouts.sample(
                    weights, asked, new Sampling(temperature, topP, 0, config.completionTokensMax(), seed));
        } finally {
            // Nobody asks these weights again soon; a GPU has better use for its memory.
            rollouts.close();
        }
    }

    /**
     * A reward model that starts from the origin, its heads new.
     *
     * @param trainsPolicy whether a policy is trained by it: what is published of it knows nothing of relevance
     */
    RewardModel newRewardModel(boolean trainsPolicy, long seed) {
        CheckpointConfig heads = rewardConfig();
        return new RewardModel(
                heads,
                base.trainable(heads, lora, seed),
                reward.batchTokens(),
                trainsPolicy ? relevance : Optional.empty());
    }

    CheckpointConfig rewardConfig() {
        return policy.asRewardModel(reward.heads(), Pooling.MEAN);
    }

    /** The text of {@code tokens}. */
    String written(int[] tokens) {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(origin.directory())) {
            return tokenizer.written(tokens);
        }
    }

    /** The bot's known answers. */
    Suite suite() {
        return suite;
    }

    /** What phrases people preferred, and the origin says by itself. */
    Phrases.Usual usualPhrases() {
        if (usualPhrases == null) {
            Phrases preferred = Phrases.of(judgements.good());
            Phrases first = Phrases.of(served(base, prompts(PROMPTS_MANY, config.seed()), config.seed()).stream()
                    .map(Rollout::sample)
                    .toList());
            Phrases rejected = Phrases.of(judgements.bad());
            usualPhrases = new Phrases.Usual(preferred, rejected, first);
        }
        return usualPhrases;
    }

    /** What the policy with these weights knows of them. */
    Suite.Result known(Weights weights) {
        return suite.of(model, weights);
    }

    /** Of the policy with these weights on {@code samples}. */
    double perplexity(Weights weights, List<Sample> samples) {
        return Math.exp(new SupervisedFineTuning(model, SftConfig.DEFAULT).evaluate(weights, samples));
    }

    @Override
    public void close() {
        rollouts.close();
        model.close();
        base.close();
    }
}
