package dev.bellwether.trainer.sft;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.WeightFiles;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.trainer.dataset.DialogueFile;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Trained;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.option.Count;
import dev.bellwether.trainer.option.LearningRatePeak;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train sft}: fine-tunes a checkpoint on dialogues, or trains one from scratch where it has no weights yet. */
@Command(name = "sft", description = "Teach a policy replies from a file of dialogues (JSON lines).")
public final class SftCommand implements Callable<Integer> {
    @Option(
            names = "--base",
            required = true,
            description = "Checkpoint folder to start from; without model.safetensors it starts from random weights.")
    private Path base = Path.of("");

    @Option(names = "--data", required = true, description = "Dialogues to learn, JSON lines.")
    private Path data = Path.of("");

    @Option(names = "--held-out", required = true, description = "Dialogues to measure on, JSON lines.")
    private Path heldOut = Path.of("");

    @Option(
            names = "--out",
            required = true,
            description = "Folder for the trained checkpoint; of adapters it has them merged, and alone in adapter/.")
    private Path out = Path.of("");

    @Option(
            names = "--epochs",
            defaultValue = "1",
            converter = Count.class,
            description = "Passes over the data (${DEFAULT-VALUE}).")
    private int epochs;

    @Option(
            names = "--learning-rate",
            converter = LearningRatePeak.class,
            description =
                    "Peak (0.0015 for 4.2 million parameters, less for more, by the root of their number; 0.003 for"
                            + " adapters).")
    private @Nullable Double learningRate;

    @Option(
            names = "--tokens",
            defaultValue = "256",
            converter = Count.class,
            description = "Longer dialogues are left out (${DEFAULT-VALUE}).")
    private int tokensMax;

    @Option(
            names = "--batch-tokens",
            defaultValue = "1800",
            converter = Count.class,
            description = "Of one step, padding included (${DEFAULT-VALUE}).")
    private int batchTokens;

    @Option(
            names = "--kind",
            defaultValue = "auto",
            description =
                    "full: all weights; lora: low-rank adapters; auto: adapters above 50 million parameters, where"
                            + " --base has weights (${DEFAULT-VALUE}).")
    private String kind = "auto";

    @Option(names = "--rank", converter = Count.class, description = "Of the adapters (16).")
    private @Nullable Integer rank;

    @Option(names = "--alpha", description = "By how much adapters count, over their rank (twice the rank).")
    private @Nullable Double alpha;

    @Option(names = "--targets", split = ",", description = "Which matrices have an adapter (all seven).")
    private @Nullable List<String> targets;

    @Option(names = "--device", defaultValue = "auto", description = "auto, cpu or cuda:N (${DEFAULT-VALUE}).")
    private String device = "auto";

    @Option(names = "--seed", defaultValue = "1", description = "Seed (${DEFAULT-VALUE}).")
    private long seed;

    @Override
    public Integer call() throws IOException {
        if (Files.exists(out.resolve("model.safetensors"))) {
            System.err.printf("%s already holds a model; name another folder with --out%n", out);
            return 2;
        }
        CheckpointConfig model = CheckpointConfig.read(base);
        SftConfig defaults = SftConfig.DEFAULT;
        Optional<LoraConfig> adapters = adapters(model);
        double factor = (adapters.isPresent() ? Trained.LORA : Trained.FULL).learningRateFactor(model);
        double rate = Optional.ofNullable(learningRate).orElse(factor * defaults.learningRate());
        SftConfig config = new SftConfig(
                rate, epochs, batchTokens, tokensMax, defaults.warmupSteps(), seed, defaults.temperature());
        List<Sample> samples;
        List<Sample> test;
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(base)) {
            int end = tokenizer.endOfReply(model.endTokens());
            samples = read(data, tokenizer, end, config);
            test = read(heldOut, tokenizer, end, config);
        }
        Files.createDirectories(out);
        try (Weights start = start(model)) {
            if (adapters.isPresent()) {
                try (Weights adapted = start.trainable(model, adapters, seed)) {
                    train(model, config, adapted, samples, test);
                    AdapterFolder.write(adapted, model, out.resolve("adapter"), base.toString());
                    adapted.write(out, model, NumberFormat.BF16);
                }
            } else {
                train(model, config, start, samples, test);
                start.write(out, model, NumberFormat.BF16);
            }
        }
        CheckpointFiles.copyTokenizer(base, out);
        System.out.printf("checkpoint in %s%n", out);
        Overlap overlap = Overlap.of(out, test, ComputeDevice.of(device).serving());
        if (overlap.replies() > 0) {
            System.out.printf(
                    "%d held-out replies, the likeliest ones: BLEU %.1f, ROUGE-L %.3f%n",
                    overlap.replies(), overlap.bleu(), overlap.rougeL());
        }
        return 0;
    }

    /** Nothing is adapted that was never trained. */
    private Optional<LoraConfig> adapters(CheckpointConfig model) {
        if (!Trained.of(kind).adapters(model) || !WeightFiles.present(base)) {
            return Optional.empty();
        }
        LoraConfig standard = LoraConfig.DEFAULT;
        int ownRank = Optional.ofNullable(rank).orElse(standard.rank());
        return Optional.of(new LoraConfig(
                ownRank,
                Optional.ofNullable(alpha).orElse(2.0 * ownRank),
                Optional.ofNullable(targets).orElse(standard.targets())));
    }

    private static List<Sample> read(Path file, PolicyTokenizer tokenizer, int end, SftConfig config)
            throws IOException {
        DialogueFile.Dialogues dialogues = DialogueFile.read(file, tokenizer, end, config.tokensMax());
        if (dialogues.tooLong() > 0) {
            System.err.printf(
                    "%s: %d dialogues are longer than %d tokens and left out%n",
                    file, dialogues.tooLong(), config.tokensMax());
        }
        return dialogues.samples();
    }

    private Weights start(CheckpointConfig model) {
        ComputeDevice where = ComputeDevice.of(device);
        return WeightFiles.present(base)
                ? Weights.of(Checkpoint.open(base), where)
                : Weights.random(model, seed, where);
    }

    private static void train(
            CheckpointConfig config, SftConfig settings, Weights weights, List<Sample> samples, List<Sample> test) {
        try (Transformer model = new Transformer(config);
                Parameters parameters = new Parameters(weights, new Parameters.AdamW(.9, .95, 1e-8, .05, 1))) {
            SupervisedFineTuning training = new SupervisedFineTuning(model, settings);
            SupervisedFineTuning.Best best;
            try (ProgressBar bar = new ProgressBarBuilder()
                    .setTaskName("sft")
                    .setInitialMax(-1)
                    .showSpeed()
                    .build()) {
                double[] smooth = {Double.NaN};
                best = training.train(parameters, samples, test, progress -> {
                    smooth[0] = Double.isNaN(smooth[0]) ? progress.loss() : .97 * smooth[0] + .03 * progress.loss();
                    bar.maxHint(progress.steps());
                    bar.stepTo(progress.step());
                    bar.setExtraMessage("loss %.3f".formatted(smooth[0]));
                });
            }
            System.out.printf(
                    "held-out loss %.4f, perplexity %.2f, after pass %d of %d%n",
                    best.loss(), Math.exp(best.loss()), best.pass(), settings.epochs());
        }
    }
}
