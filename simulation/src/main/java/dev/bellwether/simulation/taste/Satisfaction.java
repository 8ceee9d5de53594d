package dev.bellwether.simulation.taste;

/**
 * How pleased customers of a taste are with replies.
 *
 * @param centre the sum of scores that pleases half of them: the default policy's mean
 */
public record Satisfaction(Taste taste, Facts facts, double centre) {

    public double score(String category, String reply) {
        return taste.score(category, reply, facts);
    }

    /** Probability that {@code reply} pleases. */
    public double of(String category, String reply) {
        return of(score(category, reply));
    }

    /** Probability that a reply with this sum of scores pleases. */
    public double of(double score) {
        return sigmoid((score - centre) / taste.temperature());
    }

    /** Probability that the first of two replies is preferred (Bradley and Terry, 1952). */
    public double prefersFirst(String category, String first, String second) {
        return sigmoid((score(category, first) - score(category, second)) / taste.temperature());
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
