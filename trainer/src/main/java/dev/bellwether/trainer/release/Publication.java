package dev.bellwether.trainer.release;

import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.GoldenCases.GoldenCase;
import dev.bellwether.policy.engine.GoldenRewards;
import dev.bellwether.policy.engine.GoldenRewards.GoldenReward;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.StreamedTransformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Writes a policy or a reward model into the store: rounded weights, tokenizer, and golden cases computed from the
 * rounded weights.
 */
public final class Publication {
    /** Of a model, 2 GB of float32. */
    private static final long EXACT_NUMBERS_MAX = 500_000_000;

    /** Serving and training differ by float32 rounding alone, since both compute in float32 on the CPU. */
    private static final double TOLERANCE = 0.01;

    private static final int GOLDEN_TOKENS = 512;

    /** What a policy is asked for examples of its replies. */
    private static final List<String> QUESTIONS = List.of(
            "Where is my card?",
            "I forgot my PIN, what now?",
            "How long does a transfer take?",
            "Can I open an account for my son?");

    private static final List<String> REPLIES = List.of(
            "I am sorry that you have to wait. It was posted on Monday and takes five working days.",
            "No.",
            "One working day within the country, up to three abroad.",
            "Yes, you can: please bring his passport and yours to any of our branches, and we will do the rest.");

    private final PolicyStore store;

    public Publication(PolicyStore store) {
        this.store = store;
    }

    /**
     * Publishes {@code weights}; the same version again changes nothing.
     *
     * @param tokenizerFrom directory whose tokenizer files go along
     */
    public Path publish(
            ArtefactLabel label, CheckpointConfig config, Weights weights, Path tokenizerFrom, LearnedFrom people)
            throws IOException {
        return store.publish(label, target -> {
            write(target, config, weights, tokenizerFrom);
            people.write(target);
            Checkpoint written = Checkpoint.open(target);
            GoldenCases.write(target, goldenCases(written, examples(written)));
        });
    }

    /**
     * Publishes the adapters of {@code weights} alone; the same version again changes nothing.
     *
     * @param label with the base that they go with
     * @param base folder of that version
     */
    public Path publishAdapters(
            ArtefactLabel label, CheckpointConfig config, Weights weights, Path base, LearnedFrom people)
            throws IOException {
        return store.publish(label, target -> {
            AdapterFolder.write(weights, config, target, "../" + base.getFileName());
            CheckpointFiles.copyConfig(base, target);
            CheckpointFiles.copyTokenizer(base, target);
            people.write(target);
            Checkpoint written = Checkpoint.adapted(target, base);
            GoldenCases.write(target, goldenCases(written, examples(written)));
        });
    }

    /**
     * Publishes a reward model; the same name again changes nothing.
     *
     * @param label with the scale of its scores
     * @param tokenizerFrom directory whose tokenizer files go along
     */
    public Path publishReward(
            ArtefactLabel label, CheckpointConfig config, Weights weights, Path tokenizerFrom, LearnedFrom people)
            throws IOException {
        RewardScale scale = Objects.requireNonNull(label.scale(), "a reward model has a scale");
        return store.publish(label, target -> {
            write(target, config, weights, tokenizerFrom);
            people.write(target);
            GoldenRewards.write(target, goldenRewards(Checkpoint.open(target), scale));
        });
    }

    private static void write(Path target, CheckpointConfig config, Weights weights, Path tokenizerFrom)
            throws IOException {
        weights.write(target, config, NumberFormat.BF16);
        CheckpointFiles.copyTokenizer(tokenizerFrom, target);
    }

    private List<GoldenReward> goldenRewards(Checkpoint checkpoint, RewardScale scale) {
        List<Sample> samples = examples(checkpoint);
        Weights rounded = Weights.of(checkpoint, ComputeDevice.CPU);
        try (RewardModel model = new RewardModel(checkpoint.config(), rounded, GOLDEN_TOKENS)) {
            float[][] rewards = model.rewards(samples);
            List<GoldenReward> cases = new ArrayList<>();
            for (int i = 0; i < rewards.length; i++) {
                Sample sample = samples.get(i);
                cases.add(GoldenReward.of(sample.prompt(), sample.reply(), rewards[i], scale));
            }
            return cases;
        }
    }

    private static List<GoldenCase> goldenCases(Checkpoint checkpoint, List<Sample> samples) {
        List<float[]> logProbabilities = new StreamedTransformer(checkpoint).logProbabilities(samples);
        List<GoldenCase> cases = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            cases.add(new GoldenCase(sample.prompt(), sample.reply(), logProbabilities.get(i), TOLERANCE));
        }
        return cases;
    }

    /** Publishes a checkpoint from outside, as it is; what serving would refuse is refused here. */
    public Path publish(ArtefactLabel label, Path checkpoint) throws IOException {
        return store.publish(label, target -> {
            CheckpointFiles.copyAll(checkpoint, target);
            Checkpoint copy = Checkpoint.open(target);
            copy.requireFinite();
            verify(copy);
        });
    }

    /** Publishes a checkpoint from outside with adapters of it merged, in the checkpoint's own number format. */
    public Path publish(ArtefactLabel label, Path checkpoint, Path adapter) throws IOException {
        Checkpoint base = Checkpoint.open(checkpoint);
        NumberFormat format =
                base.location(ModelTensors.EMBEDDINGS).orElseThrow().entry().format();
        return store.publish(label, target -> {
            try (Weights weights = Weights.of(base, ComputeDevice.CPU);
                    Weights adapted = AdapterFolder.read(weights, base.config(), adapter)) {
                adapted.write(target, base.config(), format);
            }
            CheckpointFiles.copyTokenizer(checkpoint, target);
            verify(Checkpoint.open(target));
        });
    }

    /** Writes the golden cases, and serves them once: exactly, unless that took more memory than a machine need have. */
    private static void verify(Checkpoint copy) throws IOException {
        List<Sample> examples;
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(copy.directory())) {
            tokenizer.requireWithin(copy.config().vocabularySize());
            examples = examples(tokenizer, copy.config());
        }
        GoldenCases.write(copy.directory(), goldenCases(copy, examples));
        long numbers =
                copy.config().tensors().stream().mapToLong(TensorShape::size).sum();
        GoldenCases.verify(copy, 1, numbers <= EXACT_NUMBERS_MAX ? Precision.FLOAT32 : Precision.INT8);
    }

    /** Replies of Bellwether's own, since what people wrote must not stay where it cannot be erased. */
    private static List<Sample> examples(Checkpoint checkpoint) {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory())) {
            return examples(tokenizer, checkpoint.config());
        }
    }

    private static List<Sample> examples(PolicyTokenizer tokenizer, CheckpointConfig config) {
        List<Sample> samples = new ArrayList<>();
        int end = tokenizer.endOfReply(config.endTokens());
        for (int i = 0; i < QUESTIONS.size(); i++) {
            int[] prompt = tokenizer.prompt(List.of(Turn.user(QUESTIONS.get(i))));
            samples.add(Sample.of(prompt, tokenizer.reply(REPLIES.get(i), end)));
        }
        return samples;
    }
}
