package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
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
    private final List<Integer> endTokens;
    private final Intake intake;
    private final List<Running> running = new ArrayList<>();
    private final Thread thread;
    private final Sampler.Scratch scratch;
    private final Consumer<Throwable> whenFailed;
    private final KeptTokens kept;

    /** A prompt that is read in pieces. */
    private @Nullable Running reading;

    /** Those that will be read so, in their order. */
    private final Deque<Running> alone = new ArrayDeque<>();

    private final AtomicLong reusedTokens = new AtomicLong();
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
        this.scratch = new Sampler.Scratch(checkpoint.config().vocabularySize());
        this.kept = new KeptTokens(config.slots());
        this.endTokens = checkpoint.config().endTokens();
        this.intake = new Intake(config.queueMax());
        this.thread = Thread.ofPlatform().name("engine").daemon().unstarted(this::run);
        this.ownSession = given.isEmpty();
        // Last: whatever fails before leaves nothing open.
        this.session = given.orElseGet(() -> config.session(checkpoint));
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
        return reusedTokens.get();
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
                decode();
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
        if (reading == null && !alone.isEmpty() && running.size() < config.slots()) {
            begin(alone.remove());
        }
    }

    /** Lets in who waits, as far as there is room; the last slot is kept for who is read alone. */
    private void join() throws InterruptedException {
        List<Running> joining = new ArrayList<>();
        while (running.size() + joining.size() < (anyAlone() ? config.slots() - 1 : config.slots())) {
            Running next = intake.next(running.isEmpty() && joining.isEmpty() && !anyAlone());
            if (next == null) {
                break;
            }
            Way way = way(next);
            boolean room = switch (way) {
                case GOES_ON -> joining.isEmpty();
                case ALONE -> alone.size() < config.queueMax();
                case TOGETHER -> fits(joining, next);
            };
            if (!room) {
                break;
            }
            intake.letIn();
            if (next.abandoned()) {
                intake.answered(next);
                continue;
            }
            switch (way) {
                case GOES_ON -> {
                    goOn(next);
                    return;
                }
                case ALONE -> alone.add(next);
                case TOGETHER -> joining.add(next);
            }
        }
        if (!joining.isEmpty()) {
            prefill(joining);
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
        Optional<KeptTokens.Match> match = match(generation);
        int length = generation.request.prompt().length;
        if (match.filter(held -> length - held.length() <= config.pieceTokens()).isPresent()) {
            return Way.GOES_ON;
        }
        // What a slot holds of it is worth waiting for nobody else.
        boolean alone = length > config.prefillTokensMax() || (match.isPresent() && !anyAlone());
        return alone ? Way.ALONE : Way.TOGETHER;
    }

    private boolean anyAlone() {
        return reading != null || !alone.isEmpty();
    }

    /** A slot that holds the beginning of its prompt, and is not read into. */
    private Optional<KeptTokens.Match> match(Running generation) {
        return kept.match(generation.request.prompt(), running.size(), freeEnd());
    }

    private int freeEnd() {
        return reading == null ? config.slots() : config.slots() - 1;
    }

    /** Reads the little that is new behind what a slot holds of its prompt, which becomes the next one running. */
    private void goOn(Running generation) {
        KeptTokens.Match match = match(generation).orElseThrow();
        int[] prompt = generation.request.prompt();
        int slot = running.size();
        swap(match.slot(), slot);
        running.add(generation);
        temper(List.of(generation));
        session.extend(slot, prompt, match.length(), prompt.length);
        generation.cached = prompt.length;
        reusedTokens.addAndGet(match.length());
        sample(slot);
    }

    private boolean fits(List<Running> joining, Running next) {
        int longest = next.request.prompt().length;
        for (Running each : joining) {
            longest = Math.max(longest, each.request.prompt().length);
        }
        return joining.isEmpty() || session.width(longest) * (joining.size() + 1) <= config.prefillTokensMax();
    }

    private void prefill(List<Running> joining) {
        int first = running.size();
        int behind = first + joining.size();
        for (int slot = first; slot < behind && behind < freeEnd(); slot++) {
            int least = kept.leastWorth(behind, freeEnd());
            if (kept.lessWorth(least, slot)) {
                swap(slot, least);
            }
        }
        running.addAll(joining);
        List<int[]> prompts =
                joining.stream().map(generation -> generation.request.prompt()).toList();
        temper(joining);
        session.prefill(first, prompts);
        joining.forEach(generation -> generation.cached = generation.request.prompt().length);
        sample(first);
    }

    /** Starts to read a prompt into the last slot, behind what of it a slot holds. */
    private void begin(Running generation) {
        int slot = config.slots() - 1;
        Optional<KeptTokens.Match> match = match(generation);
        swap(match.map(KeptTokens.Match::slot).orElse(kept.leastWorth(running.size(), config.slots())), slot);
        if (match.isPresent()) {
            generation.cached = match.get().length();
            reusedTokens.addAndGet(generation.cached);
        }
        read(generation);
    }

    /** Reads the next piece of a long prompt into the last slot. */
    private void read(Running generation) {
        reading = generation;
        int slot = config.slots() - 1;
        int[] prompt = generation.request.prompt();
        if (generation.abandoned()) {
            reading = null;
            intake.answered(generation);
            return;
        }
        int end = Math.min(prompt.length, generation.cached + config.pieceTokens());
        temper(List.of(generation));
        session.extend(slot, prompt, generation.cached, end);
        generation.cached = end;
        kept.hold(slot, prompt, end);
        if (end == prompt.length) {
            int target = running.size();
            swap(slot, target);
            reading = null;
            running.add(generation);
            sample(target);
        }
    }

    private void swap(int slot, int other) {
        if (slot != other) {
            session.cache().swap(slot, other, Math.max(kept.length(slot), kept.length(other)));
            kept.swap(slot, other);
        }
    }

    private void decode() {
        if (running.isEmpty()) {
            return;
        }
        int rows = running.size();
        int[] tokens = new int[rows];
        int[] lengths = new int[rows];
        for (int row = 0; row < rows; row++) {
            tokens[row] = running.get(row).last;
            lengths[row] = running.get(row).cached;
        }
        temper(running);
        session.decode(rows, tokens, lengths);
        running.forEach(generation -> generation.cached++);
        sample(0);
    }

    private void temper(List<Running> rows) {
        for (int row = 0; row < rows.size(); row++) {
            session.temper(row, rows.get(row).sampler.inverseTemperature());
        }
    }

    /** Draws a token for the slots from {@code first} on, then lets those leave that are done. */
    private void sample(int first) {
        for (int slot = first; slot < running.size(); slot++) {
            running.get(slot).draw(session.odds(slot - first), scratch, endTokens);
        }
        for (int slot = running.size() - 1; slot >= first; slot--) {
            if (running.get(slot).done(endTokens)) {
                leave(slot);
            }
        }
    }

    /** The last one takes its place; what it had read stays behind the running ones, for the next turn. */
    private void leave(int slot) {
        Running left = running.get(slot);
        intake.answered(left);
        int last = running.size() - 1;
        Running moved = running.removeLast();
        kept.hold(slot, left.context(), left.failed ? 0 : left.cached);
        if (slot < last) {
            kept.hold(last, moved.context(), moved.cached);
            running.set(slot, moved);
            swap(slot, last);
        }
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
