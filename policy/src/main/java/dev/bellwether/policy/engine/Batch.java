package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The generations that run in a session, and what its slots hold; the engine's thread alone uses it.
 *
 * <p>They fill the slots {@code [0, size)} of the cache without gaps. Behind them a slot keeps what it read last, and the
 * very last one is where a long prompt is read.
 */
final class Batch {
    private final DecoderSession session;
    private final EngineConfig config;
    private final List<Integer> endTokens;
    private final Consumer<Running> answered;
    private final Sampler.Scratch scratch;
    private final KeptTokens kept;
    private final List<Running> running = new ArrayList<>();
    private final AtomicLong reusedTokens = new AtomicLong();

    /**
     * @param session asked for last, so that whatever fails before leaves none open
     * @param answered told of each that has its answer
     */
    Batch(Supplier<DecoderSession> session, EngineConfig config, CheckpointConfig model, Consumer<Running> answered) {
        this.config = config;
        this.endTokens = model.endTokens();
        this.answered = answered;
        this.scratch = new Sampler.Scratch(model.vocabularySize());
        this.kept = new KeptTokens(config.slots());
        this.session = session.get();
    }

    DecoderSession session() {
        return session;
    }

    int size() {
        return running.size();
    }

    /** Tokens of prompts that were not read again; any thread may ask. */
    long reusedTokens() {
        return reusedTokens.get();
    }

    /** A slot before {@code end} that holds the beginning of its prompt. */
    Optional<KeptTokens.Match> match(Running generation, int end) {
        return kept.match(generation.request.prompt(), running.size(), end);
    }

    /** Whether the prompts of all of them can be read together. */
    boolean fits(List<Running> joining, Running next) {
        int longest = next.request.prompt().length;
        for (Running each : joining) {
            longest = Math.max(longest, each.request.prompt().length);
        }
        return joining.isEmpty() || session.width(longest) * (joining.size() + 1) <= config.prefillTokensMax();
    }

    /** Reads whole prompts; slots from {@code end} on stay as they are. */
    void prefill(List<Running> joining, int end) {
        int first = running.size();
        int behind = first + joining.size();
        for (int slot = first; slot < behind && behind < end; slot++) {
            int least = kept.leastWorth(behind, end);
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

    /** Reads the little that is new behind what a slot before {@code end} holds of its prompt. */
    void goOn(Running generation, int end) {
        KeptTokens.Match match = match(generation, end).orElseThrow();
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

    /** Makes room in the last slot, which keeps what of the prompt a slot holds. */
    void place(Running generation) {
        int slot = config.slots() - 1;
        Optional<KeptTokens.Match> match = match(generation, config.slots());
        swap(match.map(KeptTokens.Match::slot).orElse(kept.leastWorth(running.size(), config.slots())), slot);
        if (match.isPresent()) {
            generation.cached = match.get().length();
            reusedTokens.addAndGet(generation.cached);
        }
    }

    /** Reads the next piece of a prompt in the last slot; true with the last piece, by which it runs. */
    boolean read(Running generation) {
        int slot = config.slots() - 1;
        int[] prompt = generation.request.prompt();
        int end = Math.min(prompt.length, generation.cached + config.pieceTokens());
        temper(List.of(generation));
        session.extend(slot, prompt, generation.cached, end);
        generation.cached = end;
        kept.hold(slot, prompt, end);
        if (end < prompt.length) {
            return false;
        }
        int target = running.size();
        swap(slot, target);
        running.add(generation);
        sample(target);
        return true;
    }

    /** A step of all. */
    void decode() {
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

    private void swap(int slot, int other) {
        if (slot != other) {
            session.cache().swap(slot, other, Math.max(kept.length(slot), kept.length(other)));
            kept.swap(slot, other);
        }
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
        answered.accept(left);
        int last = running.size() - 1;
        Running moved = running.removeLast();
        kept.hold(slot, left.context(), left.failed ? 0 : left.cached);
        if (slot < last) {
            kept.hold(last, moved.context(), moved.cached);
            running.set(slot, moved);
            swap(slot, last);
        }
    }
}
