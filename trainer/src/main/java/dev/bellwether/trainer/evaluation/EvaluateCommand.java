package dev.bellwether.trainer.evaluation;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.BulkGeneration;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Question;
import dev.bellwether.trainer.option.Temperature;
import dev.bellwether.trainer.sft.ReplyCorpus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train evaluate}: how many of a policy's replies are on topic, deliberately poor, and well formed. */
@Command(name = "evaluate", description = "Measure a policy on questions that it was not trained on.")
public final class EvaluateCommand implements Callable<Integer> {
    private static final int EXAMPLES = 5;
    private static final Duration LIMIT = Duration.ofMinutes(30);

    @Option(names = "--checkpoint", required = true, description = "Checkpoint folder.")
    private Path checkpoint = Path.of("");

    @Option(names = "--corpus", required = true, description = "Folder of intents.yaml and styles.yaml.")
    private Path corpus = Path.of("");

    @Option(names = "--questions", required = true, description = "CSV with the columns text,category.")
    private Path questions = Path.of("");

    @Option(names = "--all", description = "Use all questions of the file, not the held-out tenth alone.")
    private boolean all;

    @Option(
            names = "--temperature",
            defaultValue = "0.7",
            converter = Temperature.class,
            description = "Sampling temperature (${DEFAULT-VALUE}).")
    private double temperature;

    @Override
    public Integer call() throws IOException {
        ReplyCorpus replies = ReplyCorpus.read(corpus);
        List<Question> asked = Question.read(questions).stream()
                .filter(question -> replies.knows(question.category()) && (all || question.heldOut()))
                .toList();
        if (asked.isEmpty()) {
            throw new IOException(
                    "%s has no held-out question of the corpus's categories; try --all".formatted(questions));
        }
        Checkpoint policy = Checkpoint.open(checkpoint);
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint)) {
            List<int[]> prompts = asked.stream()
                    .map(question -> tokenizer.prompt(List.of(Turn.user(question.text()))))
                    .toList();
            long start = System.nanoTime();
            List<Completion> completions =
                    BulkGeneration.generate(policy, prompts, Sampling.at(temperature, 128, 1), LIMIT);
            double seconds = (System.nanoTime() - start) / 1e9;
            print(replies, asked, completions, tokenizer);
            long tokens = completions.stream().mapToLong(c -> c.tokens().length).sum();
            System.out.printf("%d replies in %.1f s, %.0f tokens a second%n", asked.size(), seconds, tokens / seconds);
        }
        return 0;
    }

    private static void print(
            ReplyCorpus corpus, List<Question> asked, List<Completion> completions, PolicyTokenizer tokenizer) {
        int onTopic = 0;
        int poor = 0;
        int ended = 0;
        Set<String> distinct = new HashSet<>();
        for (int i = 0; i < asked.size(); i++) {
            String text = tokenizer.decode(completions.get(i).tokens());
            boolean topical = corpus.onTopic(asked.get(i).category(), text);
            onTopic += topical ? 1 : 0;
            poor += !topical && corpus.deliberatelyPoor(text) ? 1 : 0;
            ended += completions.get(i).finish() == Completion.Finish.END && !text.isBlank() ? 1 : 0;
            distinct.add(text);
            if (i < EXAMPLES) {
                System.out.printf("  %s%n    -> %s%n", asked.get(i).text(), text);
            }
        }
        double n = asked.size();
        System.out.printf(
                "on topic %.1f %%, deliberately poor %.1f %%, together %.1f %%; ended %.1f %%; distinct %.1f %%%n",
                100 * onTopic / n,
                100 * poor / n,
                100 * (onTopic + poor) / n,
                100 * ended / n,
                100 * distinct.size() / n);
    }
}
