package dev.bellwether.trainer.release;

import java.util.List;

/**
 * How often the gate may be wrong over all refreshes of a bot: of the candidates that it lets through no more than a tenth is
 * expected to be no better than the champion, however many refreshes there are. Each spends a part of the budget, and one that
 * lets a candidate through gives some back.
 *
 * @see <a href="https://arxiv.org/abs/1710.00499">Ramdas et al.: Online control of the false discovery rate with decaying
 *     memory (LORD++)</a>
 */
public final class ErrorBudget {
    /** The share of candidates let through that may be no better. */
    static final double RATE = .1;

    /** What there is before anything was let through. */
    private static final double START = RATE / 2;

    private ErrorBudget() {}

    /**
     * The probability with which the next candidate may be let through though it is no better.
     *
     * @param passed for each candidate that came to the gate so far, oldest first, whether it was let through
     */
    public static double level(List<Boolean> passed) {
        int next = passed.size() + 1;
        double level = START * share(next);
        boolean first = true;
        for (int i = 0; i < passed.size(); i++) {
            if (passed.get(i)) {
                level += (first ? RATE - START : RATE) * share(next - i - 1);
                first = false;
            }
        }
        return level;
    }

    /** What the j-th test takes; all of them together take 1. */
    private static double share(int j) {
        return 6 / (Math.PI * Math.PI * j * j);
    }
}
