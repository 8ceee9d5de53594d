package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.serving.PolicyException.Blame;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Versions that are asked one after another until one begins to reply; what has begun is never begun again. Runs on the
 * event loop that asked.
 */
public final class FallbackChain implements Replies, ReplyListener {
    /** Another version would refuse it as well, or may. */
    private static final Set<Blame> NO_OTHER = EnumSet.of(Blame.REQUEST, Blame.EITHER);

    private final List<String> versions;
    private final Function<String, Optional<Policy.Use>> uses;
    private final Ask ask;
    private final ReplyListener listener;
    private final List<Failure> failures = new ArrayList<>();
    private Policy.Generation current = () -> {};
    private int next;
    private boolean begun;
    private boolean over;

    /**
     * @param versions the assigned one first
     * @param uses a version by its name, where it is loaded
     */
    public FallbackChain(
            List<String> versions, Function<String, Optional<Policy.Use>> uses, Ask ask, ReplyListener listener) {
        this.versions = List.copyOf(versions);
        this.uses = uses;
        this.ask = ask;
        this.listener = listener;
    }

    @Override
    public void start() {
        while (!over && next < versions.size()) {
            Optional<Policy.Use> use = uses.apply(versions.get(next));
            next++;
            if (use.isPresent()) {
                int asked = next;
                try (Policy.Use held = use.get()) {
                    Policy.Generation generation = held.policy().reply(ask, this);
                    // It may have failed already, and the next have been asked.
                    if (next == asked) {
                        current = generation;
                    }
                }
                return;
            }
            failures.add(new Failure(version(), notLoaded()));
        }
        if (!over) {
            over = true;
            listener.onFailure(failures.getFirst().reason());
        }
    }

    private PolicyException notLoaded() {
        return PolicyException.policy(ApiException.of(
                        503, "policy_unavailable", "The bot is not loaded; its operator must look at it."))
                .detail("version %s is not loaded".formatted(version()));
    }

    @Override
    public String version() {
        return versions.get(Math.max(0, next - 1));
    }

    @Override
    public String version(int choice) {
        return version();
    }

    @Override
    public List<Failure> failures() {
        return List.copyOf(failures);
    }

    @Override
    public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
        begun = true;
        listener.onDelta(choice, delta, beside);
    }

    @Override
    public void onEnd(int choice, GeneratedReply reply) {
        begun = true;
        listener.onEnd(choice, reply);
    }

    @Override
    public void onDone(Totals totals) {
        over = true;
        listener.onDone(totals);
    }

    /** The first failure is what the caller is told, if no version answers: it is the assigned one's. */
    @Override
    public void onFailure(PolicyException failure) {
        if (over) {
            return;
        }
        failures.add(new Failure(version(), failure));
        if (begun || NO_OTHER.contains(failure.blame()) || ask.deadline().passed()) {
            over = true;
            listener.onFailure(begun ? failure : failures.getFirst().reason());
        } else {
            start();
        }
    }

    @Override
    public void expire(PolicyException late) {
        if (!over) {
            failures.add(new Failure(version(), late));
            cancel();
        }
    }

    @Override
    public void cancel() {
        over = true;
        current.cancel();
    }

    @Override
    public void pause() {
        current.pause();
    }

    @Override
    public void resume() {
        current.resume();
    }
}
