package dev.bellwether.policy.engine;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Requests to an engine: any thread hands them in, the engine's takes them out. Whatever becomes of them there, they are
 * known here until they are answered.
 */
final class Intake {
    private static final int POLL_MILLIS = 50;

    private final BlockingQueue<Running> waiting;
    private final Set<Running> owed = new HashSet<>();

    /** Taken out of the queue and not let in yet. */
    private @Nullable Running held;

    Intake(int waitingMax) {
        waiting = new LinkedBlockingQueue<>(waitingMax);
    }

    boolean offer(Running generation) {
        return waiting.offer(generation);
    }

    /** Whether it still waited, and does no more. */
    boolean takeBack(Running generation) {
        return waiting.remove(generation);
    }

    boolean full() {
        return waiting.remainingCapacity() == 0;
    }

    int waiting() {
        return waiting.size();
    }

    /** Whether nobody is owed an answer. */
    boolean isEmpty() {
        return owed.isEmpty() && waiting.isEmpty();
    }

    /**
     * Who comes next, and stays so until it is let in.
     *
     * @param idle whether there is nothing else to do than to wait for one
     */
    @Nullable
    Running next(boolean idle) throws InterruptedException {
        if (held == null) {
            held = idle ? waiting.poll(POLL_MILLIS, TimeUnit.MILLISECONDS) : waiting.poll();
            if (held != null) {
                owed.add(held);
            }
        }
        return held;
    }

    void letIn() {
        held = null;
    }

    void answered(Running generation) {
        owed.remove(generation);
    }

    /** Answers everybody. */
    void fail(EngineFailedException answer) {
        if (held != null) {
            held.tell(answer);
        }
        owed.forEach(generation -> generation.tell(answer));
        for (Running generation = waiting.poll(); generation != null; generation = waiting.poll()) {
            generation.tell(answer);
        }
    }
}
