package dev.bellwether.gateway.serving;

/**
 * Bounds retries by the requests there are: each request pays a fifth of a retry in, up to ten, so that a service in
 * trouble is not asked many times over. Event loops share it.
 *
 * @see <a href="https://sre.google/sre-book/handling-overload/">Site Reliability Engineering: Handling Overload</a>
 */
final class RetryBudget {
    private static final double SHARE = .2;
    private static final double MOST = 10;

    private double balance = MOST;

    synchronized void deposit() {
        balance = Math.min(MOST, balance + SHARE);
    }

    synchronized boolean withdraw() {
        if (balance < 1) {
            return false;
        }
        balance--;
        return true;
    }
}
