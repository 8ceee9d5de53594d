package dev.bellwether.trainer.release;

import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * A bot's known answers as tokens. A policy knows one where it finds the answer likelier after its question than after others:
 * how it likes to put things does not matter.
 */
public final class Suite {
    private static final int OTHERS = 7;
    private static final int BATCH_TOKENS = 4_000;

    /** Each known answer after its question, and then after others. */
    private final List<List<Sample>> questions = new ArrayList<>();

    /**
     * What a policy knows of it.
     *
     * @param known for each answer whether its question is the one after which it is likeliest
     * @param perplexity of the known answers
     */
    public record Result(boolean[] known, double perplexity) {
        /** The share that it knows. */
        public double share() {
            int count = 0;
            for (boolean each : known) {
                count += each ? 1 : 0;
            }
            return count / (double) known.length;
        }
    }

    /**
     * @param tokensMax questions whose answers are longer are left out
     */
    public Suite(List<KnownAnswer> answers, PolicyTokenizer tokenizer, int endToken, int tokensMax) {
        for (int i = 0; i < answers.size(); i++) {
            int[] answer = tokenizer.reply(answers.get(i).answer(), endToken);
            List<Sample> samples = new ArrayList<>();
            for (int other = 0; other <= Math.min(OTHERS, answers.size() - 1); other++) {
                String question = answers.get((i + other) % answers.size()).question();
                samples.add(Sample.of(tokenizer.prompt(List.of(Turn.user(question))), answer));
            }
            if (samples.stream().allMatch(each -> each.length() <= tokensMax)) {
                questions.add(samples);
            }
        }
    }

    public boolean isEmpty() {
        return questions.isEmpty();
    }

    /** What the policy with {@code weights} knows. */
    public Result of(Transformer policy, Weights weights) {
        List<Sample> all = questions.stream().flatMap(List::stream).toList();
        double[] likelihoods = new double[all.size()];
        for (MicroBatch batch : MicroBatch.pack(all, BATCH_TOKENS)) {
            float[] logProbabilities = policy.logProbabilities(weights, batch, 1);
            for (int row = 0; row < batch.size(); row++) {
                int index = batch.index(row);
                for (int t = batch.offset(row); t < batch.offset(row + 1); t++) {
                    likelihoods[index] += logProbabilities[t] / all.get(index).replyLength();
                }
            }
        }
        boolean[] known = new boolean[questions.size()];
        double nats = 0;
        long tokens = 0;
        int next = 0;
        for (int i = 0; i < known.length; i++) {
            List<Sample> samples = questions.get(i);
            known[i] = true;
            for (int other = 1; other < samples.size(); other++) {
                known[i] &= likelihoods[next] > likelihoods[next + other];
            }
            nats -= likelihoods[next] * samples.getFirst().replyLength();
            tokens += samples.getFirst().replyLength();
            next += samples.size();
        }
        return new Result(known, Math.exp(nats / tokens));
    }
}
