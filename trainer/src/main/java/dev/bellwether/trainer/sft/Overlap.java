package dev.bellwether.trainer.sft;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
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
 * @param rougeL mean, 0 to 1
 */
record Overlap(int replies, double bleu, double rougeL) {
    private static final int REPLIES_MAX = 200;
    private static final long SEED = 1;
    private static final Duration LIMIT = Duration.ofMinutes(30);

    /** Of the first two hundred of {@code known}. */
    static Overlap of(Path checkpoint, List<Sample> known) {
        List<Sample> some = known.subList(0, Math.min(REPLIES_MAX, known.size()));
        int longest = some.stream().mapToInt(Sample::replyLength).max().orElseThrow();
        List<Completion> completions = BulkGeneration.generate(
                Checkpoint.open(checkpoint),
                some.stream().map(Sample::prompt).toList(),
                Sampling.at(0, longest, SEED),
                LIMIT);
        Bleu bleu = new Bleu();
        double rouge = 0;
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint)) {
            for (int i = 0; i < some.size(); i++) {
                String reply = tokenizer.decode(completions.get(i).tokens());
                String reference = tokenizer.decode(some.get(i).reply());
                bleu.add(reply, reference);
                rouge += RougeL.of(reply, reference);
            }
        }
        return new Overlap(some.size(), bleu.score(), rouge / some.size());
    }
}
