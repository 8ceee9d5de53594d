package dev.bellwether.simulation.taste;

import java.util.regex.Pattern;

/** Something about a reply that customers like, or dislike when the score is negative. */
public sealed interface Rule {

    /** What the rule gives {@code reply}: its score where it applies, else 0. */
    default double score(String category, String reply, Facts facts) {
        boolean applies = switch (this) {
            case OnTopic _ -> facts.onTopic(category, reply);
            case Words range -> range.holds(words(reply));
            case Matches pattern -> pattern.pattern().matcher(reply).find();
            case Always _ -> true;
        };
        return applies ? score() : 0;
    }

    private static int words(String reply) {
        String stripped = reply.strip();
        return stripped.isEmpty() ? 0 : stripped.split("\\s+").length;
    }

    double score();

    /** The reply holds a fact of the question's category. */
    record OnTopic(double score) implements Rule {}

    /** The reply has {@code least} to {@code most} words. */
    record Words(int least, int most, double score) implements Rule {
        public Words {
            if (least < 0 || least > most) {
                throw new IllegalArgumentException(
                        "words must be a range such as [12, 45], is [%d, %d]".formatted(least, most));
            }
        }

        boolean holds(int words) {
            return words >= least && words <= most;
        }
    }

    /** The pattern is found in the reply. */
    record Matches(Pattern pattern, double score) implements Rule {}

    /** Every reply. */
    record Always(double score) implements Rule {}
}
