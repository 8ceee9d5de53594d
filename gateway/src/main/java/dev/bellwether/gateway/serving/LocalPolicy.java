package dev.bellwether.gateway.serving;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.GenerationListener;
import dev.bellwether.policy.engine.GenerationRequest;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.ReplyText;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A version of a bot's policy, loaded and generating replies. */
public final class LocalPolicy implements AutoCloseable {
    private static final int USES_MAX = 1 << 20;
    private static final Duration USE_LIMIT = Duration.ofSeconds(5);

    private final String version;
    private final PolicyTokenizer tokenizer;
    private final GenerationEngine engine;
    private final Semaphore uses = new Semaphore(USES_MAX);

    private LocalPolicy(String version, PolicyTokenizer tokenizer, GenerationEngine engine) {
        this.version = version;
        this.tokenizer = tokenizer;
        this.engine = engine;
    }

    /** Opens a version, checks it against its manifest and its golden cases, and starts its engine. */
    static LocalPolicy load(PolicyStore store, String bot, String version, EngineConfig config) {
        Checkpoint checkpoint = store.open(bot, version);
        checkpoint.requireFinite();
        GoldenCases.verify(checkpoint, config.threads());
        PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
        try {
            tokenizer.requireWithin(checkpoint.config().vocabularySize());
            return new LocalPolicy(version, tokenizer, GenerationEngine.open(checkpoint, config));
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /** Keeps the policy open until it is closed itself; replies under way need none. */
    public final class Use implements AutoCloseable {
        private final AtomicBoolean over = new AtomicBoolean();

        private Use() {}

        public LocalPolicy policy() {
            return LocalPolicy.this;
        }

        @Override
        public void close() {
            if (over.compareAndSet(false, true)) {
                uses.release();
            }
        }
    }

    /** Empty when the policy is being closed. */
    Optional<Use> use() {
        return uses.tryAcquire() ? Optional.of(new Use()) : Optional.empty();
    }

    /** Follows a reply; called on the engine's thread. */
    public interface ReplyListener {
        void onText(String text);

        void onEnd(GeneratedReply reply);

        void onFailure(RuntimeException failure);
    }

    /**
     * A finished reply.
     *
     * @param finishReason {@code stop}, or {@code length} when it was cut
     * @param complete false when it was cancelled or came too late
     */
    public record GeneratedReply(String text, String finishReason, int tokens, boolean complete) {}

    public String version() {
        return version;
    }

    /** {@code turns} as the model reads them; takes as long as they are, so not on an event loop. */
    public int[] prompt(List<Turn> turns) {
        return tokenizer.prompt(turns);
    }

    /** Longest prompt, in tokens, that leaves room for a reply. */
    public int promptTokensMax() {
        return engine.positionsMax() - 1;
    }

    /** Generates a reply to {@code prompt}, ending before the first of {@code stops}. */
    public GenerationEngine.Generation reply(
            int[] prompt, Sampling sampling, List<String> stops, Duration timeout, ReplyListener listener) {
        Follower follower = new Follower(new ReplyText(tokenizer, stops), listener);
        GenerationEngine.Generation generation =
                engine.submit(new GenerationRequest(prompt, sampling, timeout), follower);
        follower.generation = generation;
        return generation;
    }

    private static final class Follower implements GenerationListener {
        private final ReplyText text;
        private final ReplyListener listener;
        private final StringBuilder all = new StringBuilder();
        private volatile GenerationEngine.Generation generation = () -> {};

        private Follower(ReplyText text, ReplyListener listener) {
            this.text = text;
            this.listener = listener;
        }

        @Override
        public void onToken(int token) {
            if (text.stopped()) {
                return;
            }
            pass(text.append(token));
            if (text.stopped()) {
                generation.cancel();
            }
        }

        private void pass(String piece) {
            if (!piece.isEmpty()) {
                all.append(piece);
                listener.onText(piece);
            }
        }

        @Override
        public void onEnd(Completion completion) {
            boolean stopped = text.stopped();
            pass(text.end());
            String reason = stopped || completion.finish() == Completion.Finish.END ? "stop" : "length";
            boolean complete = stopped
                    || completion.finish() == Completion.Finish.END
                    || completion.finish() == Completion.Finish.LENGTH;
            listener.onEnd(new GeneratedReply(all.toString(), reason, completion.tokens().length, complete));
        }

        @Override
        public void onFailure(RuntimeException failure) {
            listener.onFailure(failure);
        }
    }

    /** Finishes the replies under way and frees the model. */
    @Override
    public void close() {
        try {
            // A use is over within milliseconds; one that was dropped must not keep the gateway from stopping.
            boolean _ = uses.tryAcquire(USES_MAX, USE_LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        engine.close();
        tokenizer.close();
    }
}
