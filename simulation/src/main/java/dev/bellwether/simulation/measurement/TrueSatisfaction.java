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

/**
 * What customers of a taste would think of a version, without noise: measured on replies sampled from the artefact.
 *
 * <p>The centre of satisfaction is the base policy's mean score, so that half of the base's replies please, more or less.
 */
public final class TrueSatisfaction {
    private static final int QUESTIONS_MAX = 500;
    private static final int REPLIES_LEAST = 1_000;
    private static final int BEST_OF_QUESTIONS = 100;
    private static final int BEST_OF = 64;

    private final Satisfaction satisfaction;
    private final List<Question> questions;
    private final PolicySampler sampler;

    /** Replies by artefact, whose folders never change; they do not depend on the centre. */
    private final Map<Path, List<ReplySample>> sampled;

    private TrueSatisfaction(
            Satisfaction satisfaction,
            List<Question> questions,
            PolicySampler sampler,
            Map<Path, List<ReplySample>> sampled) {
        this.satisfaction = satisfaction;
        this.questions = questions;
        this.sampler = sampler;
        this.sampled = sampled;
    }

    /** With a centre that is known. */
    public static TrueSatisfaction of(Satisfaction satisfaction, Questions questions, PolicySampler sampler) {
        return new TrueSatisfaction(
                satisfaction, questions.measured(QUESTIONS_MAX), sampler, new ConcurrentHashMap<>());
    }

    /** Centred on the policy in the directory {@code base}. */
    public static TrueSatisfaction centredOn(Path base, Scenario scenario, PolicySampler sampler) {
        TrueSatisfaction uncentred =
                of(new Satisfaction(scenario.taste(), scenario.facts(), 0), scenario.questions(), sampler);
        double centre = uncentred.of(base).meanScore();
        Satisfaction centred = new Satisfaction(scenario.taste(), scenario.facts(), centre);
        return new TrueSatisfaction(centred, uncentred.questions, sampler, uncentred.sampled);
    }

    /**
     * What was found of a version.
     *
     * @param satisfaction mean probability that a reply pleases
     * @param meanScore mean sum of scores
     * @param distinctReplies share of questions whose first reply is unlike that to all questions before
     */
    public record Measurement(double satisfaction, double meanScore, double distinctReplies, int questions) {}

    public Satisfaction satisfaction() {
        return satisfaction;
    }

    /** Measures the artefact in a directory on up to 500 questions, each asked so often that 1 000 replies come. */
    public Measurement of(Path artefact) {
        int each = Math.ceilDiv(REPLIES_LEAST, questions.size());
        return of(sampled.computeIfAbsent(artefact, version -> sampler.sample(version, questions, each)));
    }

    /** Measures replies. */
    public Measurement of(List<ReplySample> samples) {
        double pleased = 0;
        double scores = 0;
        int replies = 0;
        Set<String> distinct = new HashSet<>();
        for (ReplySample sample : samples) {
            distinct.add(sample.replies().getFirst());
            for (String reply : sample.replies()) {
                double score = satisfaction.score(sample.category(), reply);
                pleased += satisfaction.of(score);
                scores += score;
                replies++;
            }
        }
        return new Measurement(
                pleased / replies, scores / replies, (double) distinct.size() / samples.size(), samples.size());
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
