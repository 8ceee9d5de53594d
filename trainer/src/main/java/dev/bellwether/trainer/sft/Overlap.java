package dev.bellwether.trainer.sft;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.metrics.Bleu;
import dev.bellwether.trainer.metrics.RougeL;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * How much of known replies a checkpoint's likeliest replies to the same prompts have.
 *
 * @param replies how many were compared
 * @param bleu of them all, 0 to 100
 * @param rougeL mean, 0 to 1; not a number where there is nothing to compare
 */
record Overlap(int replies, double bleu, double rougeL) {
    private static final int REPLIES_MAX = 200;
    private static final long SEED = 1;
    private static final Duration LIMIT = Duration.ofMinutes(30);

    /** Of the first two hundred of {@code known} that have a prompt, less those that do not end within half an hour. */
    static Overlap of(Path checkpoint, List<Sample> known, OnnxDevice device) {
        List<Sample> some = known.stream()
                .filter(sample -> sample.promptLength() > 1)
                .limit(REPLIES_MAX)
                .toList();
        Bleu bleu = new Bleu();
        double rouge = 0;
        int compared = 0;
        List<Completion> completions = completions(Checkpoint.open(checkpoint), some, device);
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint)) {
            for (int i = 0; i < some.size(); i++) {
                if (completions.get(i).finish() != Completion.Finish.DEADLINE) {
                    String reply = tokenizer.decode(completions.get(i).tokens());
                    String reference = tokenizer.decode(some.get(i).reply());
                    bleu.add(reply, reference);
                    rouge += RougeL.of(reply, reference);
                    compared++;
                }
            }
        }
        return new Overlap(compared, bleu.score(), rouge / compared);
    }

    private static List<Completion> completions(Checkpoint policy, List<Sample> known, OnnxDevice device) {
        if (known.isEmpty()) {
            return List.of();
        }
        int reply = known.stream().mapToInt(Sample::replyLength).max().orElseThrow();
        int prompt = known.stream().mapToInt(Sample::promptLength).max().orElseThrow();
        try (BulkGeneration engine = BulkGeneration.open(policy, known.size(), prompt + reply, device)) {
            return engine.generate(known.stream().map(Sample::prompt).toList(), Sampling.at(0, reply, SEED), LIMIT);
        }
    }
}
