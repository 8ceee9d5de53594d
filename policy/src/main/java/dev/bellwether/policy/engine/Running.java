package dev.bellwether.policy.engine;

import java.util.Arrays;

/** A request on its way through the engine; the engine's thread alone writes it, but for its cancellation. */
final class Running implements GenerationEngine.Generation {
    final GenerationRequest request;
    final GenerationListener listener;
    final Sampler sampler;
    private final long deadlineNanos;
    final int[] tokens;
    final float[] logProbabilities;
    int generated;
    int cached;
    int last;
    boolean failed;
    private volatile boolean cancelled;

    Running(GenerationRequest request, GenerationListener listener, int tokensMax) {
        this.request = request;
        this.listener = listener;
        this.sampler = new Sampler(request.sampling());
        this.deadlineNanos = System.nanoTime() + request.timeout().toNanos();
        this.tokens = new int[tokensMax];
        this.logProbabilities = new float[tokensMax + 1];
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    boolean cancelled() {
        return cancelled;
    }

    boolean late() {
        return System.nanoTime() - deadlineNanos > 0;
    }

    /** The prompt and what of the reply the cache holds. */
    int[] context() {
        int[] prompt = request.prompt();
        int[] context = Arrays.copyOf(prompt, Math.max(prompt.length, cached));
        System.arraycopy(tokens, 0, context, prompt.length, context.length - prompt.length);
        return context;
    }

    Completion completion(Completion.Finish finish) {
        int[] sampled = Arrays.copyOf(tokens, finish == Completion.Finish.END ? generated + 1 : generated);
        if (finish == Completion.Finish.END) {
            sampled[generated] = last;
        }
        return new Completion(sampled, Arrays.copyOf(logProbabilities, sampled.length), finish);
    }
}
