package dev.bellwether.trainer.speed;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.Phrases;
import dev.bellwether.trainer.objective.Ppo;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.objective.Rollouts;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.RewardTraining;
import dev.bellwether.trainer.reward.Savepoint;
import dev.bellwether.trainer.sft.SftConfig;
import dev.bellwether.trainer.sft.SupervisedFineTuning;
import dev.bellwether.trainer.tensor.Autocast;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Measures training steps over random tokens; their number is what takes time, not what they say. */
final class TrainingSpeed {
    private static final double RATE = 1e-5;
    private static final int PRODUCTS = 5;

    private final Checkpoint checkpoint;
    private final CheckpointConfig config;
    private final Optional<LoraConfig> lora;
    private final ComputeDevice device;
    private final int rows;
    private final int tokens;
    private final int promptTokens;
    private final int steps;
    private final Random random = new Random(1);

    /**
     * What was measured, medians.
     *
     * @param parameters of the model
     * @param sftSeconds of a step of supervised fine-tuning
     * @param rewardSeconds of a step of the reward model over as many tokens, two by two
     * @param forwardSeconds of the same tokens without gradients
     * @param matrixFlops what products of the model's own matrices alone reach, operations a second
     * @param ppo metrics of a step of PPO by their names; empty where none was asked for
     * @param residentPeakBytes of the process, when supervised fine-tuning was done
     * @param residentPeakBytesOfAll of the process in the end
     */
    record Speed(
            String device,
            long parameters,
            double sftSeconds,
            double rewardSeconds,
            double forwardSeconds,
            double matrixFlops,
            Map<String, Double> ppo,
            long residentPeakBytes,
            long residentPeakBytesOfAll) {}

    TrainingSpeed(
            Checkpoint checkpoint,
            Optional<LoraConfig> lora,
            ComputeDevice device,
            int rows,
            int tokens,
            int promptTokens,
            int steps) {
        this.checkpoint = checkpoint;
        this.config = checkpoint.config();
        this.lora = lora;
        this.device = device;
        this.rows = rows;
        this.tokens = tokens;
        this.promptTokens = promptTokens;
        this.steps = steps;
    }

    Speed measure(int rollouts) throws IOException {
        List<Double> forward = new ArrayList<>();
        double sft = sft(forward);
        long peak = residentPeakBytes();
        try (Weights base = Weights.of(checkpoint, device)) {
            double reward = reward(base);
            Map<String, Double> ppo = rollouts == 0 ? Map.of() : ppo(base, rollouts);
            return new Speed(
                    device.cuda() ? "cuda:" + device.index() : "cpu",
                    config.parameters(),
                    sft,
                    reward,
                    median(forward),
                    matrixFlops(base),
                    ppo,
                    peak,
                    residentPeakBytes());
        }
    }

    private Sample sample() {
        return new Sample(random.ints(tokens, 2, config.vocabularySize()).toArray(), promptTokens);
    }

    private List<Sample> samples(int count) {
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            samples.add(sample());
        }
        return samples;
    }

    private double sft(List<Double> forward) {
        SftConfig settings = new SftConfig(RATE, 1, Math.max(rows * (tokens + 7), tokens), tokens, 1, 1, 1);
        try (Weights base = Weights.of(checkpoint, device);
                Weights weights = lora.isPresent() ? base.trainable(config, lora, 1) : base;
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING);
                Transformer model = new Transformer(config)) {
            SupervisedFineTuning training = new SupervisedFineTuning(model, settings);
            List<Double> seconds = new ArrayList<>();
            long[] last = {System.nanoTime()};
            training.train(parameters, samples((steps + 1) * rows), _ -> {
                long now = System.nanoTime();
                seconds.add((now - last[0]) / 1e9);
                last[0] = now;
            });
            for (int i = 0; i < steps; i++) {
                long start = System.nanoTime();
                training.evaluate(weights, samples(rows));
                forward.add((System.nanoTime() - start) / 1e9);
            }
            return median(seconds.subList(1, seconds.size()));
        }
    }

    private double reward(Weights base) throws IOException {
        CheckpointConfig heads = config.asRewardModel(RewardConfig.DEFAULT.heads(), Pooling.MEAN);
        int pairs = Math.max(1, rows / 2);
        RewardConfig settings =
                new RewardConfig(heads.labels(), RATE, 1, pairs, .1, 1, 0, 1, 1, .01, Math.max(rows, 2) * (tokens + 7));
        List<Comparison> comparisons = new ArrayList<>();
        for (int i = 0; i < (steps + 1) * pairs; i++) {
            comparisons.add(Comparison.of(sample(), sample(), 1));
        }
        try (RewardModel model = new RewardModel(heads, base.trainable(heads, lora, 1), settings.batchTokens())) {
            List<Double> seconds = new ArrayList<>();
            long[] last = {System.nanoTime()};
            new RewardTraining(model, settings, 1).train(comparisons, List.of(), Savepoint.NONE, (_, _) -> {
                long now = System.nanoTime();
                seconds.add((now - last[0]) / 1e9);
                last[0] = now;
            });
            return median(seconds.subList(1, seconds.size()));
        }
    }

    /** The second of two steps. */
    private Map<String, Double> ppo(Weights base, int rollouts) {
        CheckpointConfig heads = config.asRewardModel(RewardConfig.DEFAULT.heads(), Pooling.MEAN);
        PpoConfig standard = PpoConfig.DEFAULT;
        PpoConfig settings = standard.with(2, rollouts, standard.temperature(), tokens - promptTokens, 1)
                .withRollouts(rollouts, Math.max(standard.update().batchTokens(), tokens));
        List<int[]> prompts = samples(rollouts).stream().map(Sample::prompt).toList();
        try (Rollouts sampler = new Rollouts(checkpoint);
                RewardModel reward = new RewardModel(
                        heads, base.trainable(heads, lora, 1), settings.update().batchTokens());
                Ppo ppo = Ppo.withCritic(
                        new Ppo.Models(config, base.trainable(config, lora, 1), base, reward, Phrases.Usual.NONE),
                        sampler,
                        prompts,
                        settings,
                        1)) {
            ppo.step(0);
            return ppo.step(1);
        }
    }

    /** Operations a second in products of all the model's matrices with as many rows as a step has tokens. */
    private double matrixFlops(Weights base) {
        double seconds = 0;
        double operations = 0;
        for (TensorShape shape : config.tensors()) {
            if (shape.dimensions().size() == 2 && shape.name().contains(".layers.")) {
                seconds += productSeconds(base.get(shape.name()));
                operations += 2.0 * shape.size() * rows * tokens;
            }
        }
        return operations / seconds;
    }

    private double productSeconds(Tensor matrix) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard();
                Autocast _ = new Autocast(device)) {
            Tensor input = torch.ones(new long[] {(long) rows * tokens, matrix.size(1)}, device.options());
            double best = Double.MAX_VALUE;
            for (int i = 0; i < PRODUCTS; i++) {
                long start = System.nanoTime();
                torch.linear(input, matrix);
                if (device.cuda()) {
                    torch.cuda_synchronize();
                }
                best = Math.min(best, (System.nanoTime() - start) / 1e9);
            }
            return best;
        }
    }

    private static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }

    private static long residentPeakBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }
}
