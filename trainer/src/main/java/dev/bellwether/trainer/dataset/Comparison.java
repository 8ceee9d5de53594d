package dev.bellwether.trainer.dataset;

import dev.bellwether.event.PreferencePair.Origin;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two replies to one prompt as tokens, the first preferred.
 *
 * @param weight how much it counts
 * @param judges hashes of the people whose judgements it rests on; none for one that nobody judged
 * @param origin which rule made it; none for one that nobody judged
 * @param shown where the preferred reply was shown; {@link Shown#APART} where the two were not shown together
 */
public record Comparison(
        Sample chosen,
        Sample rejected,
        double weight,
        List<String> judges,
        long time,
        @Nullable Origin origin,
        Shown shown) {
    /** Where one of two replies was shown. */
    public enum Shown {
        FIRST(1),
        SECOND(-1),
        APART(0);

        private final int sign;

        Shown(int sign) {
            this.sign = sign;
        }

        /** 1, −1 or 0. */
        public int sign() {
            return sign;
        }
    }

    public Comparison {
        judges = List.copyOf(judges);
    }

    /** One that no rule made of what people said. */
    public static Comparison of(Sample chosen, Sample rejected, double weight) {
        return new Comparison(chosen, rejected, weight, List.of(), 0, null, Shown.APART);
    }
}
