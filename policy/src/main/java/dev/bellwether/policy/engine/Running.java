package dev.bellwether.policy.engine;

import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A request on its way through the engine; the engine's thread alone writes it, but for its cancellation. */
final class Running implements GenerationEngine.Generation {
    private static final Logger LOG = LoggerFactory.getLogger(Running.class);

    final GenerationRequest request;
    private final GenerationListener listener;
    final Sampler sampler;
    private final long deadlineNanos;
    private final int[] tokens;
    private final float[] logProbabilities;
    private int generated;
    int cached;
    int last;
    boolean failed;
    private boolean told;
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

    /** Ends it where nobody waits for it any more, or its time is up. */
    boolean abandoned() {
        if (cancelled) {
            end(Completion.Finish.CANCELLED);
        } else if (System.nanoTime() - deadlineNanos > 0) {
            end(Completion.Finish.DEADLINE);
        } else {
            return false;
        }
        return true;
    }

    /** Takes its next token; what is wrong with it, its numbers or its listener, is no other's matter. */
    void draw(Odds odds, Sampler.Scratch scratch, List<Integer> endTokens) {
        try {
            Sampler.Draw draw = sampler.draw(odds, scratch);
            logProbabilities[generated] = draw.logProbability();
            last = draw.token();
            if (!endTokens.contains(draw.token())) {
                tokens[generated++] = draw.token();
                listener.onToken(draw.token());
            }
        } catch (RuntimeException e) {
            failed = true;
            tell(e);
        }
    }

    /** Ends it where its last token says so. */
    boolean done(List<Integer> endTokens) {
        if (failed) {
            return true;
        }
        if (endTokens.contains(last)) {
            end(Completion.Finish.END);
            return true;
        }
        if (generated == tokens.length) {
            end(Completion.Finish.LENGTH);
            return true;
        }
        return abandoned();
    }

    /** Answers that it failed, unless it is answered. */
    void tell(RuntimeException failure) {
        if (told) {
            return;
        }
        told = true;
        try {
            listener.onFailure(failure);
        } catch (RuntimeException | Error e) {
            LOG.error("a listener failed", e);
        }
    }

    /** An error of the machine on the way leaves it unanswered: the engine fails by it, and tells. */
    private void end(Completion.Finish finish) {
        try {
            listener.onEnd(completion(finish));
        } catch (RuntimeException e) {
            LOG.error("a listener failed", e);
        }
        told = true;
    }

    /** The prompt and what of the reply the cache holds. */
    int[] context() {
        int[] prompt = request.prompt();
        int[] context = Arrays.copyOf(prompt, Math.max(prompt.length, cached));
        System.arraycopy(tokens, 0, context, prompt.length, context.length - prompt.length);
        return context;
    }

    private Completion completion(Completion.Finish finish) {
        int[] sampled = Arrays.copyOf(tokens, finish == Completion.Finish.END ? generated + 1 : generated);
        if (finish == Completion.Finish.END) {
            sampled[generated] = last;
        }
        return new Completion(sampled, Arrays.copyOf(logProbabilities, sampled.length), finish);
    }
}
