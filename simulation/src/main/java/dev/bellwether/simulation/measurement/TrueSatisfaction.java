package dev.bellwether.simulation.measurement;

import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Satisfaction;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.commons.statistics.descriptive.Mean;
import org.apache.commons.statistics.descriptive.StandardDeviation;

/**
 * What customers of a taste would think of a version, without noise: measured on replies sampled from the artefact.
 *
 * <p>The centre of satisfaction is the base policy's mean score, so that half of the base's replies please, more or less.
 */
public final class TrueSatisfaction {
    private static final int BEST_OF_QUESTIONS = 100;
    private static final int BEST_OF = 64;

    private final Satisfaction satisfaction;
    private final List<Question> questions;
    private final PolicySampler sampler;
    private final int repliesLeast;

    /** Replies by artefact, whose folders never change; they do not depend on the centre. */
    private final Map<Path, List<ReplySample>> sampled;

    private TrueSatisfaction(
            Satisfaction satisfaction,
            List<Question> questions,
            PolicySampler sampler,
            int repliesLeast,
            Map<Path, List<ReplySample>> sampled) {
        this.satisfaction = satisfaction;
        this.questions = questions;
        this.sampler = sampler;
        this.repliesLeast = repliesLeast;
        this.sampled = sampled;
    }

    /**
     * How much is sampled of a version.
     *
     * @param questionsMax as many questions, where there are so many
     * @param repliesLeast each of which is asked so often that as many replies come
     */
    public record Effort(int questionsMax, int repliesLeast) {
        public static final Effort FULL = new Effort(500, 1_000);
    }

    /** With a centre that is known. */
    public static TrueSatisfaction of(
            Satisfaction satisfaction, Questions questions, PolicySampler sampler, Effort effort) {
        return new TrueSatisfaction(
                satisfaction,
                questions.measured(effort.questionsMax()),
                sampler,
                effort.repliesLeast(),
                new ConcurrentHashMap<>());
    }

    /** Centred on the policy in the directory {@code base}. */
    public static TrueSatisfaction centredOn(Path base, Scenario scenario, PolicySampler sampler, Effort effort) {
        TrueSatisfaction uncentred =
                of(new Satisfaction(scenario.taste(), scenario.facts(), 0), scenario.questions(), sampler, effort);
        double centre = uncentred.of(base).meanScore();
        Satisfaction centred = new Satisfaction(scenario.taste(), scenario.facts(), centre);
        return new TrueSatisfaction(centred, uncentred.questions, sampler, effort.repliesLeast(), uncentred.sampled);
    }

    /**
     * What was found of a version.
     *
     * @param satisfaction mean probability that a reply pleases
     * @param standardError of that mean, over questions
     * @param meanScore mean sum of scores
     * @param distinctReplies share of questions whose first reply is unlike that to all questions before
     */
    public record Measurement(
            double satisfaction, double standardError, double meanScore, double distinctReplies, int questions) {}

    public Satisfaction satisfaction() {
        return satisfaction;
    }

    /** Measures the artefact in a directory. */
    public Measurement of(Path artefact) {
        int each = Math.ceilDiv(repliesLeast, questions.size());
        return of(sampled.computeIfAbsent(artefact, version -> sampler.sample(version, questions, each)));
    }

    /** Measures replies. */
    public Measurement of(List<ReplySample> samples) {
        Mean pleased = Mean.create();
        StandardDeviation byQuestion = StandardDeviation.create();
        Mean scores = Mean.create();
        Set<String> distinct = new HashSet<>();
        for (ReplySample sample : samples) {
            distinct.add(sample.replies().getFirst());
            Mean ofQuestion = Mean.create();
            for (String reply : sample.replies()) {
                double score = satisfaction.score(sample.category(), reply);
                ofQuestion.accept(satisfaction.of(score));
                pleased.accept(satisfaction.of(score));
                scores.accept(score);
            }
            byQuestion.accept(ofQuestion.getAsDouble());
        }
        return new Measurement(
                pleased.getAsDouble(),
                byQuestion.getAsDouble() / Math.sqrt(samples.size()),
                scores.getAsDouble(),
                (double) distinct.size() / samples.size(),
                samples.size());
    }

    /**
     * Mean satisfaction with the best of 64 replies to each of 100 questions: about what the policy could learn.
     *
     * @param samples file that keeps the replies; written when it is not there, and again when it is of another policy
     */
    public double bestOf64(Path artefact, Path samples) throws IOException {
        List<Question> few = questions.subList(0, Math.min(BEST_OF_QUESTIONS, questions.size()));
        return bestOf(sampler.sampleOnce(samples, artefact, few, BEST_OF));
    }

    /** Mean over questions of the satisfaction with the best reply. */
    public double bestOf(List<ReplySample> samples) {
        return samples.stream()
                .mapToDouble(sample -> sample.replies().stream()
                        .mapToDouble(reply -> satisfaction.of(sample.category(), reply))
                        .max()
                        .orElse(0))
                .average()
                .orElse(0);
    }
}
