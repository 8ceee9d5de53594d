package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A duel between the two arms of a rollout: one reply of each, at the same time. Where the rival does not begin to reply, the user's
 * own arm gives both; where that fails, too, or the time is over, its first reply goes out alone. Nobody waits in vain for a
 * version that is not theirs.
 */
public final class AcrossArms implements Replies {
    private final List<String> versions;
    private final Function<String, Optional<Policy.Use>> uses;
    private final Ask ask;
    private final ReplyListener listener;
    private final FallbackChain ours;

    /** On which side the user's own arm replies. */
    private final int own;

    private FallbackChain theirs;
    private @Nullable GeneratedReply reply;
    private @Nullable Totals ourTotals;
    private @Nullable Totals theirTotals;
    private @Nullable Failure rivalFailure;

    /** Whether nothing comes from the other side any more. */
    private boolean alone;

    private boolean over;

    /**
     * A duel.
     *
     * @param versions of the user's arm: the assigned one first
     * @param rival the other arm's version
     * @param own side of the user's arm: 0 or 1
     * @param use of the assigned version, taken before
     * @param uses versions by their names, where they are loaded
     */
    public AcrossArms(
            List<String> versions,
            String rival,
            int own,
            Optional<Policy.Use> use,
            Function<String, Optional<Policy.Use>> uses,
            Ask ask,
            ReplyListener listener) {
        this.versions = List.copyOf(versions);
        this.own = own;
        this.uses = uses;
        this.ask = ask;
        this.listener = listener;
        this.ours = new FallbackChain(
                versions,
                version -> version.equals(versions.getFirst()) ? use : uses.apply(version),
                ask.with(1, ask.stream()),
                new OurSide());
        this.theirs = new FallbackChain(List.of(rival), uses, theirAsk(), new TheirSide());
    }

    /** Drawn otherwise than ours: near versions would say the same by the same numbers. */
    private Ask theirAsk() {
        return ask.with(1, ask.stream()).another();
    }

    @Override
    public void start() {
        ours.start();
        if (!over) {
            theirs.start();
        }
    }

    @Override
    public String version() {
        return ours.version();
    }

    @Override
    public String version(int choice) {
        return alone || choice == own ? ours.version() : theirs.version();
    }

    @Override
    public List<Failure> failures() {
        return ours.failures();
    }

    @Override
    public Optional<Failure> rivalFailure() {
        return Optional.ofNullable(rivalFailure);
    }

    @Override
    public void expire(PolicyException late) {
        over = true;
        ours.expire(late);
        theirs.expire(late);
    }

    @Override
    public void cancel() {
        over = true;
        ours.cancel();
        theirs.cancel();
    }

    @Override
    public void pause() {
        ours.pause();
        theirs.pause();
    }

    @Override
    public void resume() {
        ours.resume();
        theirs.resume();
    }

    /** Passes ours on and ends, once it is known what comes beside it. */
    private void advance() {
        if (over || ourTotals == null || (theirTotals == null && !alone)) {
            return;
        }
        over = true;
        if (reply != null) {
            listener.onEnd(alone && !ask.stream() ? 0 : own, reply);
        }
        listener.onDone(theirTotals == null ? ourTotals : together(ourTotals, theirTotals));
    }

    /** As in any duel the prompt counts once; what two models cost together has no one price. */
    private static Totals together(Totals ours, Totals theirs) {
        return new Totals(
                ours.promptTokens(),
                ours.completionTokens() + theirs.completionTokens(),
                Objects.equals(ours.model(), theirs.model()) ? ours.model() : null,
                null,
                null,
                List.of());
    }

    private void fail(PolicyException failure) {
        if (!over) {
            cancel();
            listener.onFailure(failure);
        }
    }

    private final class OurSide implements ReplyListener {
        @Override
        public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
            listener.onDelta(own, delta, beside);
        }

        @Override
        public void onEnd(int choice, GeneratedReply ended) {
            reply = ended;
        }

        @Override
        public void onDone(Totals totals) {
            ourTotals = totals;
            advance();
        }

        @Override
        public void onFailure(PolicyException failure) {
            fail(failure);
        }
    }

    private final class TheirSide implements ReplyListener {
        private boolean begun;

        @Override
        public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
            begun = true;
            listener.onDelta(1 - own, delta, beside);
        }

        @Override
        public void onEnd(int choice, GeneratedReply ended) {
            begun = true;
            listener.onEnd(1 - own, ended);
        }

        @Override
        public void onDone(Totals totals) {
            theirTotals = totals;
            advance();
        }

        @Override
        public void onFailure(PolicyException failure) {
            if (over) {
                return;
            }
            boolean first = rivalFailure == null;
            if (first) {
                rivalFailure = new Failure(theirs.version(), failure);
            }
            if (begun) {
                fail(failure);
            } else if (first && !ask.deadline().passed()) {
                theirs = new FallbackChain(versions, uses, theirAsk(), this);
                theirs.start();
            } else {
                alone = true;
                advance();
            }
        }
    }
}
