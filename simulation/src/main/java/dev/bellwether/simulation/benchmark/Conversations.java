package dev.bellwether.simulation.benchmark;

import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.GenerationListener;
import dev.bellwether.policy.engine.GenerationRequest;
import dev.bellwether.policy.engine.Sampling;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Asks an engine for many replies at once, round after round. */
final class Conversations {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final GenerationEngine engine;
    private final List<int[]> prompts;
    private final int tokensMax;
    private long seed;

    Conversations(GenerationEngine engine, List<int[]> prompts, int tokensMax) {
        this.engine = engine;
        this.prompts = prompts;
        this.tokensMax = tokensMax;
    }

    /**
     * What came of it.
     *
     * @param decoded tokens a second while all replies were under way
     * @param all tokens a second, prompts and ends included
     * @param firstToken time from the request to the first token, in nanoseconds
     */
    record Rates(double decoded, double all, Histogram firstToken) {}

    /** {@code atOnce} replies at once, as often as {@code time} allows, at least once. */
    Rates measure(int atOnce, Duration time) throws InterruptedException {
        Histogram firstToken = new Histogram(3);
        long decoded = 0;
        long decodingNanos = 0;
        long tokens = 0;
        long start = System.nanoTime();
        do {
            List<Watch> watches = round(atOnce);
            long from = watches.stream().mapToLong(Watch::first).max().orElseThrow();
            long to = watches.stream().mapToLong(Watch::last).min().orElseThrow();
            if (to > from) {
                decoded += watches.stream()
                        .mapToLong(watch -> watch.between(from, to))
                        .sum();
                decodingNanos += to - from;
            }
            tokens += watches.stream().mapToLong(Watch::count).sum();
            watches.forEach(watch -> firstToken.recordValue(watch.first() - watch.asked));
        } while (System.nanoTime() - start < time.toNanos());
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Rates(decoded / (decodingNanos / 1e9), tokens / seconds, firstToken);
    }

    private List<Watch> round(int atOnce) throws InterruptedException {
        List<Watch> watches = new ArrayList<>();
        CountDownLatch ended = new CountDownLatch(atOnce);
        for (int i = 0; i < atOnce; i++) {
            Watch watch = new Watch(ended, tokensMax);
            watches.add(watch);
            int[] prompt = prompts.get((int) (seed % prompts.size()));
            engine.submit(new GenerationRequest(prompt, Sampling.at(1, tokensMax, seed++), LIMIT), watch);
        }
        if (!ended.await(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException("no reply within " + LIMIT);
        }
        watches.forEach(Watch::check);
        return watches;
    }

    /** When each token of one reply came; the engine's thread writes. */
    private static final class Watch implements GenerationListener {
        private final CountDownLatch ended;
        private final long asked = System.nanoTime();
        private final long[] times;
        private int count;
        private @Nullable RuntimeException failure;

        Watch(CountDownLatch ended, int tokensMax) {
            this.ended = ended;
            this.times = new long[tokensMax + 1];
        }

        @Override
        public void onToken(int token) {
            times[count++] = System.nanoTime();
        }

        @Override
        public void onEnd(Completion completion) {
            if (count == 0) {
                times[count++] = System.nanoTime();
            }
            ended.countDown();
        }

        @Override
        public void onFailure(RuntimeException failure) {
            this.failure = failure;
            ended.countDown();
        }

        private void check() {
            if (failure != null) {
                throw failure;
            }
        }

        private long first() {
            return times[0];
        }

        private long last() {
            return times[count - 1];
        }

        private int count() {
            return count;
        }

        private long between(long from, long to) {
            long in = 0;
            for (int i = 0; i < count; i++) {
                in += times[i] > from && times[i] <= to ? 1 : 0;
            }
            return in;
        }
    }
}
