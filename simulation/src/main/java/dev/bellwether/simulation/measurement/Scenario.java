package dev.bellwether.simulation.measurement;

import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Taste;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** What customers ask, what they like, and what they know. */
public record Scenario(Questions questions, Taste taste, Facts facts) {
    private static final int NAMED_MAX = 5;

    /** Reads its three files, and says what in them makes little sense together. */
    public static Scenario read(Path prompts, Path taste, Path facts, Consumer<String> warnings) throws IOException {
        Scenario scenario = new Scenario(Questions.read(prompts), Taste.read(taste), Facts.read(facts));
        List<String> strange = scenario.questions.all().stream()
                .map(Question::category)
                .filter(category -> !scenario.facts.knows(category))
                .distinct()
                .toList();
        if (scenario.taste.asksForFacts() && !strange.isEmpty()) {
            String named = strange.stream().limit(NAMED_MAX).collect(Collectors.joining("', '", "'", "'"));
            warnings.accept("%s holds no facts of %s%s; replies to such questions are never on topic"
                    .formatted(facts, named, strange.size() > NAMED_MAX ? " and others" : ""));
        }
        return scenario;
    }

    /** The questions for customers to ask; says so where they are measured with, too. */
    public List<Question> asked(Consumer<String> warnings) {
        if (questions.fewHeldOut()) {
            warnings.accept(
                    "what is measured is flattered: with fewer than %d questions held out, customers ask those that are measured with; give about a thousand"
                            .formatted(Questions.HELD_OUT_LEAST));
        }
        return questions.asked();
    }

    /**
     * Without the questions that are too long for a policy.
     *
     * @throws IOException when all are
     */
    public Scenario fitting(Path policy, Consumer<String> warnings) throws IOException {
        List<Question> fitting = PolicySampler.fitting(policy, questions.all());
        int left = questions.all().size() - fitting.size();
        if (fitting.isEmpty()) {
            throw new IOException("every question is longer than the policy can read; give shorter ones");
        }
        if (left > 0) {
            warnings.accept("%d of %d questions are longer than the policy can read and are left out"
                    .formatted(left, questions.all().size()));
        }
        return left == 0 ? this : new Scenario(new Questions(fitting), taste, facts);
    }
}
