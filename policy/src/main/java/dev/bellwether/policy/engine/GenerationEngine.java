package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Generates many replies at once by continuous batching: requests join and leave between decoding steps.
 *
 * <p>One thread owns the session. Running generations fill the slots {@code [0, running)} of the cache without gaps:
 * who joins takes the next slot, and when one leaves, the last moves into its place. New prompts are read together, up
 * to a bound between two steps; a longer prompt is read alone in pieces, in the last slot, and between any two of them the
 * others join and step. Behind the running ones a slot keeps what it read last, so that the next turn of a conversation
 * reads only what is new.
 *
 * @see <a href="https://www.usenix.org/conference/osdi22/presentation/yu">Yu et al.: Orca</a>
 */
public final class GenerationEngine implements AutoCloseable {
    private final DecoderSession session;
    private final boolean ownSession;
    private final EngineConfig config;
    private final int positions;
    private final Intake intake;
    private final Thread thread;
    private final Consumer<Throwable> whenFailed;
    private final Batch batch;

    /** A prompt that is read in pieces. */
    private @Nullable Running reading;

    /** Those that will be read so, in their order. */
    private final Deque<Running> alone = new ArrayDeque<>();

    private volatile boolean closing;
    private volatile @Nullable Throwable failure;

    private GenerationEngine(
            Checkpoint checkpoint,
            EngineConfig config,
            Consumer<Throwable> whenFailed,
            Optional<DecoderSession> given) {
        this.config = config;
        this.whenFailed = whenFailed;
        this.positions = config.positionsIn(checkpoint.config());
        this.intake = new Intake(config.queueMax());
        this.thread = Thread.ofPlatform().name("engine").daemon().unstarted(this::run);
        this.ownSession = given.isEmpty();
        // Last: whatever fails before leaves nothing open.
        this.batch = new Batch(
                () -> given.orElseGet(() -> config.session(checkpoint)), config, checkpoint.config(), intake::answered);
        this.session = batch.session();
    }

    private static GenerationEngine of(Checkpoint checkpoint, EngineConfig config, Consumer<Throwable> whenFailed) {
        return new GenerationEngine(checkpoint, config, whenFailed, Optional.empty());
    }

    /** Loads a checkpoint and starts to take requests. */
    public static GenerationEngine open(Checkpoint checkpoint, EngineConfig config) {
        return open(checkpoint, config, _ -> {});
    }

    /**
     * The same.
     *
     * @param whenFailed told once, when the engine fails for good and all that it had is answered
     */
    static GenerationEngine open(Checkpoint checkpoint, EngineConfig config, Consumer<Throwable> whenFailed) {
        GenerationEngine engine = of(checkpoint, config, whenFailed);
        engine.thread.start();
        return engine;
    }

    /**
     * The same, if the checkpoint's golden cases are computed: by the session that will serve, or before it is there where
     * its context is too short for them.
     */
    static GenerationEngine openVerified(Checkpoint checkpoint, EngineConfig config, Consumer<Throwable> whenFailed) {
        GoldenCases.Cases cases = GoldenCases.of(checkpoint);
        int positions = config.positionsIn(checkpoint.config());
        if (cases.longest() > positions) {
            cases.verify(config.threads(), config.precision(), config.device());
            return open(checkpoint, config, whenFailed);
        }
        GenerationEngine engine = of(checkpoint, config, whenFailed);
        try {
            cases.verify(engine.session, config.slots(), config.precision());
        } catch (RuntimeException | Error e) {
            engine.session.close();
            throw e;
        }
        engine.thread.start();
        return engine;
    }

    /** Over a session that stays the caller's; {@link #runToTheEnd} computes what was asked for by then. */
    static GenerationEngine over(DecoderSession session, Checkpoint checkpoint, EngineConfig config) {
        return new GenerationEngine(checkpoint, config, _ -> {}, Optional.of(session));
    }

    /** Answers all that waits, in the caller's thread, and takes nothing more. */
    void runToTheEnd() {
        closing = true;
        run();
    }

    /** A generation that its caller may cancel. */
    public interface Generation {
        void cancel();
    }

    /** The longest prompt and reply together, in tokens. */
    public int positionsMax() {
        return positions;
    }

    /** Tokens of prompts that were not read again, because a slot still held them. */
    public long reusedTokens() {
        return batch.reusedTokens();
    }

    /** Whether the engine failed for good. */
    boolean failed() {
        return failure != null;
    }

    /** Whether a request would be refused now: found out before a prompt is laid out for it. */
    public boolean overloaded() {
        return closing || intake.full();
    }

    /**
     * Asks for a reply.
     *
     * @throws EngineOverloadedException when too many requests wait already
     * @throws IllegalArgumentException when the prompt leaves no room for a reply
     */
    public Generation submit(GenerationRequest request, GenerationListener listener) {
        int room = positions - request.prompt().length;
        if (room < 1) {
            throw new IllegalArgumentException(
                    "the prompt has %d tokens; at most %d fit".formatted(request.prompt().length, positions - 1));
        }
        int tokensMax = Math.min(room, request.sampling().tokensMax());
        Running generation = new Running(request, listener, tokensMax);
        if (closing || !intake.offer(generation)) {
            throw new EngineOverloadedException(intake.waiting());
        }
        Throwable why = failure;
        if (why != null && intake.takeBack(generation)) {
            // It came when the engine had answered what waited.
            throw new EngineFailedException(why);
        }
        return generation;
    }

    /** Replies to all {@code requests}, in their order; waits for the last. */
    public List<Completion> generate(List<GenerationRequest> requests) {
        return CompletingListener.join(submitAll(requests));
    }

    /** Replies to all {@code prompts}, the i-th drawn with the seed {@code sampling.seed() + i}. */
    public List<Completion> generate(List<int[]> prompts, Sampling sampling, Duration timeout) {
        return generate(GenerationRequest.all(prompts, sampling, timeout));
    }

    List<CompletableFuture<Completion>> submitAll(List<GenerationRequest> requests) {
        List<CompletableFuture<Completion>> futures = new ArrayList<>(requests.size());
        for (GenerationRequest request : requests) {
            CompletableFuture<Completion> future = new CompletableFuture<>();
            futures.add(future);
            submit(request, new CompletingListener(future));
        }
        return futures;
    }

    private void run() {
        try {
            while (!closing || !intake.isEmpty()) {
                admit();
                batch.decode();
            }
        } catch (InterruptedException e) {
            fail(e);
            Thread.currentThread().interrupt();
        } catch (Throwable e) {
            // Whatever it is, an Error of the JVM included: nobody may wait for ever.
            fail(e);
        } finally {
            try {
                if (ownSession) {
                    session.close();
                }
            } finally {
                Throwable why = failure;
                if (why != null) {
                    whenFailed.accept(why);
                }
            }
        }
    }

    /** Answers everybody and takes nothing more: what failed in the session's midst cannot be trusted to go on. */
    private void fail(Throwable why) {
        failure = why;
        intake.fail(new EngineFailedException(why));
    }

    private void admit() throws InterruptedException {
        if (reading != null) {
            read(reading);
        }
        join();
        if (reading == null && !alone.isEmpty() && batch.size() < config.slots()) {
            Running next = alone.remove();
            batch.place(next);
            read(next);
        }
    }

    /** Reads the next piece of a long prompt. */
    private void read(Running generation) {
        if (generation.abandoned()) {
            reading = null;
            intake.answered(generation);
        } else {
            reading = batch.read(generation) ? null : generation;
        }
    }

    /** Lets in who waits, as far as there is room; the last slot is kept for who is read alone. */
    private void join() throws InterruptedException {
        List<Running> joining = new ArrayList<>();
        while (batch.size() + joining.size() < (anyAlone() ? config.slots() - 1 : config.slots())) {
            Running next = intake.next(batch.size() == 0 && joining.isEmpty() && !anyAlone());
            if (next == null) {
                break;
            }
            Way way = way(next);
            if (!hasRoom(way, next, joining)) {
                break;
            }
            intake.letIn();
            if (next.abandoned()) {
                intake.answered(next);
            } else if (way == Way.GOES_ON) {
                batch.goOn(next, freeEnd());
                return;
            } else {
                (way == Way.ALONE ? alone : joining).add(next);
            }
        }
        if (!joining.isEmpty()) {
            batch.prefill(joining, freeEnd());
        }
    }

    /** How a prompt is read. */
    private enum Way {
        /** A slot holds almost all of it. */
        GOES_ON,
        /** In pieces, in the last slot. */
        ALONE,
        /** With others that are new. */
        TOGETHER
    }

    private Way way(Running generation) {
        Optional<KeptTokens.Match> match = batch.match(generation, freeEnd());
        int length = generation.request.prompt().length;
        if (match.filter(held -> length - held.length() <= config.pieceTokens()).isPresent()) {
            return Way.GOES_ON;
        }
        // What a slot holds of it is worth waiting for nobody else.
        boolean apart = length > config.prefillTokensMax() || (match.isPresent() && !anyAlone());
        return apart ? Way.ALONE : Way.TOGETHER;
    }

    private boolean hasRoom(Way way, Running next, List<Running> joining) {
        return switch (way) {
            case GOES_ON -> joining.isEmpty();
            case ALONE -> alone.size() < config.queueMax();
            case TOGETHER -> batch.fits(joining, next);
        };
    }

    private boolean anyAlone() {
        return reading != null || !alone.isEmpty();
    }

    /** Behind the slots that are not read into. */
    private int freeEnd() {
        return reading == null ? config.slots() : config.slots() - 1;
    }

    /** Takes no new requests, finishes those it has, and frees the model. */
    @Override
    public void close() {
        closing = true;
        try {
            thread.join(Duration.ofMinutes(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
