package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.http.Workers;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.EngineConfig;
import dev.bellwether.policy.engine.EngineFailedException;
import dev.bellwether.policy.engine.EngineOverloadedException;
import dev.bellwether.policy.engine.GenerationEngine;
import dev.bellwether.policy.engine.GenerationListener;
import dev.bellwether.policy.engine.GenerationRequest;
import dev.bellwether.policy.engine.LastingEngine;
import dev.bellwether.policy.engine.ModelFootprint;
import dev.bellwether.policy.engine.ModelLimits;
import dev.bellwether.policy.engine.ReplyText;
import dev.bellwether.policy.engine.Sampling;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.policy.prompt.Turn;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A version with weights, loaded and generating replies. */
public final class LocalPolicy implements Policy {
    private static final Logger LOG = LoggerFactory.getLogger(LocalPolicy.class);
    private static final int USES_MAX = 1 << 20;
    private static final int CHOICES_MAX = 16;
    private static final Duration USE_LIMIT = Duration.ofSeconds(5);
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final String version;
    private final ModelFootprint footprint;
    private final PolicyTokenizer tokenizer;
    private final LastingEngine engine;
    private final Workers prompts;
    private final Semaphore uses = new Semaphore(USES_MAX);

    private LocalPolicy(
            String version,
            ModelFootprint footprint,
            PolicyTokenizer tokenizer,
            LastingEngine engine,
            Workers prompts) {
        this.version = version;
        this.footprint = footprint;
        this.tokenizer = tokenizer;
        this.engine = engine;
        this.prompts = prompts;
    }

    /**
     * Opens a version, checks it against its manifest and its golden cases, and starts its engine.
     *
     * @param prompts where conversations are laid out as tokens
     * @param room told what it takes of memory, before it does
     */
    static LocalPolicy load(
            PolicyStore store,
            String bot,
            String version,
            ModelLimits limits,
            Workers prompts,
            Consumer<ModelFootprint> room) {
        Checkpoint checkpoint = store.open(bot, version);
        ModelFootprint footprint = ModelFootprint.of(checkpoint, limits);
        EngineConfig config = limits.engine(checkpoint.config());
        checkpoint.requireFinite();
        PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
        try {
            tokenizer.requireWithin(checkpoint.config().vocabularySize());
            room.accept(footprint);
            return new LocalPolicy(version, footprint, tokenizer, LastingEngine.open(checkpoint, config), prompts);
        } catch (RuntimeException | Error e) {
            tokenizer.close();
            throw e;
        }
    }

    private final class LocalUse implements Use {
        private final AtomicBoolean over = new AtomicBoolean();

        @Override
        public Policy policy() {
            return LocalPolicy.this;
        }

        @Override
        public void close() {
            if (over.compareAndSet(false, true)) {
                uses.release();
            }
        }
    }

    @Override
    public Optional<Use> use() {
        return uses.tryAcquire() ? Optional.of(new LocalUse()) : Optional.empty();
    }

    @Override
    public boolean ready() {
        return engine.ready();
    }

    @Override
    public ModelFootprint footprint() {
        return footprint;
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public Generation reply(Ask ask, ReplyListener listener) {
        Replies replies = new Replies(ask, listener);
        Optional<ApiException> refused = refused(ask);
        Optional<Use> use = use();
        if (refused.isPresent()) {
            use.ifPresent(Use::close);
            listener.onFailure(PolicyException.request(refused.get()));
        } else if (engine.overloaded()) {
            use.ifPresent(Use::close);
            listener.onFailure(PolicyException.load(Workers.overloaded()));
        } else if (use.isEmpty()) {
            listener.onFailure(PolicyException.policy(
                    ApiException.later(503, "policy_loading", "The bot's policy is being replaced.", RETRY)));
        } else {
            prompts.run(() -> prompt(ask.turns()))
                    .onSuccess(replies::start)
                    .onFailure(replies::refuse)
                    .onComplete(_ -> use.get().close());
        }
        return replies;
    }

    /** What costs nothing to find is found before anything is laid out. */
    private Optional<ApiException> refused(Ask ask) {
        if (ask.beyondText() != null) {
            return Optional.of(ask.beyondText());
        }
        if (ask.choices() > CHOICES_MAX) {
            return Optional.of(ApiException.field(
                    400, "invalid_value", "n", "'n' must be a whole number from 1 to %d.".formatted(CHOICES_MAX)));
        }
        long characters =
                ask.turns().stream().mapToLong(turn -> turn.content().length()).sum();
        long least = characters / tokenizer.longestToken();
        return least > promptTokensMax() ? Optional.of(tooLong("at least " + least)) : Optional.empty();
    }

    private int[] prompt(List<Turn> turns) {
        int[] prompt;
        try {
            prompt = tokenizer.prompt(turns);
        } catch (PromptRefusedException e) {
            throw ApiException.field(
                    422,
                    "prompt_refused",
                    "messages",
                    "This bot's model does not take these messages: %s".formatted(e.getMessage()));
        }
        if (prompt.length > promptTokensMax()) {
            throw tooLong(Integer.toString(prompt.length));
        }
        return prompt;
    }

    private int promptTokensMax() {
        return engine.positionsMax() - 1;
    }

    private ApiException tooLong(String tokens) {
        return ApiException.field(
                422,
                "context_length_exceeded",
                "messages",
                "The messages have %s tokens; this bot reads at most %d. Send fewer turns."
                        .formatted(tokens, promptTokensMax()));
    }

    /** The replies to one request, on the event loop that asked for them. */
    private final class Replies implements Generation {
        private final Ask ask;
        private final ReplyListener listener;
        private final Context loop = Vertx.currentContext();
        private final List<GenerationEngine.Generation> running = new ArrayList<>();
        private int promptTokens;
        private int tokens;
        private int unfinished;
        private boolean over;

        private Replies(Ask ask, ReplyListener listener) {
            this.ask = ask;
            this.listener = listener;
        }

        private void start(int[] prompt) {
            if (over) {
                return;
            }
            promptTokens = prompt.length;
            unfinished = ask.choices();
            for (int i = 0; i < ask.choices() && !over; i++) {
                Sampling sampling = ask.sampling().withSeed(ask.sampling().seed() + i);
                Choice choice = new Choice(this, i, new ReplyText(tokenizer, ask.stops()));
                try {
                    choice.generation = engine.submit(
                            new GenerationRequest(
                                    prompt, sampling, ask.deadline().left()),
                            choice);
                    running.add(choice.generation);
                } catch (EngineOverloadedException e) {
                    fail(PolicyException.load(Workers.overloaded()));
                } catch (EngineFailedException e) {
                    fail(broken(e));
                }
            }
        }

        private void refuse(Throwable failure) {
            if (failure instanceof ApiException known) {
                fail(known.status() == 429 ? PolicyException.load(known) : PolicyException.request(known));
            } else {
                fail(broken(failure));
            }
        }

        private PolicyException broken(Throwable failure) {
            if (failure instanceof EngineFailedException) {
                return PolicyException.policy(ApiException.later(
                        503, "engine_failed", "The model failed and is loaded anew; try again shortly.", RETRY));
            }
            LOG.error("version {} failed to generate", version, failure);
            return PolicyException.policy(
                    ApiException.of(500, "generation_failed", "The reply could not be generated."));
        }

        private void fail(PolicyException failure) {
            if (!over) {
                cancel();
                listener.onFailure(failure);
            }
        }

        private void late() {
            fail(PolicyException.load(ApiException.later(
                    503, "deadline_exceeded", "The reply was not ready in time; try again shortly.", RETRY)));
        }

        private void ended(int choice, GeneratedReply reply) {
            if (over) {
                return;
            }
            tokens += reply.tokens();
            unfinished--;
            listener.onEnd(choice, reply);
            if (unfinished == 0) {
                over = true;
                listener.onDone(Totals.of(promptTokens, tokens));
            }
        }

        @Override
        public void cancel() {
            over = true;
            running.forEach(GenerationEngine.Generation::cancel);
        }
    }

    /** One reply; the engine's thread calls. */
    private static final class Choice implements GenerationListener {
        private final Replies replies;
        private final int index;
        private final ReplyText text;
        private final StringBuilder all = new StringBuilder();
        private volatile GenerationEngine.Generation generation = () -> {};
        private boolean opened;

        private Choice(Replies replies, int index, ReplyText text) {
            this.replies = replies;
            this.index = index;
            this.text = text;
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
            all.append(piece);
            if (replies.ask.stream() && (!piece.isEmpty() || !opened)) {
                ObjectNode delta = Json.object();
                if (!opened) {
                    delta.put("role", "assistant");
                }
                opened = true;
                delta.put("content", piece);
                replies.loop.runOnContext(_ -> {
                    if (!replies.over) {
                        replies.listener.onDelta(index, delta, null);
                    }
                });
            }
        }

        @Override
        public void onEnd(Completion completion) {
            boolean stopped = text.stopped();
            pass(text.end());
            boolean ended = stopped || completion.finish() == Completion.Finish.END;
            if (!ended && completion.finish() == Completion.Finish.DEADLINE) {
                replies.loop.runOnContext(_ -> replies.late());
            } else if (ended || completion.finish() == Completion.Finish.LENGTH) {
                GeneratedReply reply = GeneratedReply.local(all.toString(), ended ? "stop" : "length", completion);
                replies.loop.runOnContext(_ -> replies.ended(index, reply));
            }
        }

        @Override
        public void onFailure(RuntimeException failure) {
            replies.loop.runOnContext(_ -> replies.fail(replies.broken(failure)));
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
