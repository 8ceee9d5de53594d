package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An engine that is made anew when it fails, whatever the failure: what it had under way is answered, and others follow. */
public final class LastingEngine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LastingEngine.class);
    private static final Duration FIRST_WAIT = Duration.ofMillis(100);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private final Checkpoint checkpoint;
    private final EngineConfig config;
    private final int positions;
    private volatile @Nullable GenerationEngine engine;
    private volatile boolean closed;
    private @Nullable Thread replacing;

    private LastingEngine(Checkpoint checkpoint, EngineConfig config) {
        this.checkpoint = checkpoint;
        this.config = config;
        GenerationEngine first = GenerationEngine.openVerified(checkpoint, config, this::replace);
        this.engine = first;
        this.positions = first.positionsMax();
    }

    /**
     * Loads a checkpoint, replays its golden cases and starts to take requests.
     *
     * @throws UnsupportedCheckpointException naming what is wrong with it
     */
    public static LastingEngine open(Checkpoint checkpoint, EngineConfig config) {
        return new LastingEngine(checkpoint, config);
    }

    private GenerationEngine open() {
        return GenerationEngine.open(checkpoint, config, this::replace);
    }

    /** The longest prompt and reply together, in tokens. */
    public int positionsMax() {
        return positions;
    }

    /** Whether requests are taken; not while a failed engine is being replaced. */
    public boolean ready() {
        GenerationEngine now = engine;
        return now != null && !now.failed();
    }

    /** Whether a request would be refused now: found out before a prompt is laid out for it. */
    public boolean overloaded() {
        GenerationEngine now = engine;
        return now != null && now.overloaded();
    }

    /**
     * Asks for a reply.
     *
     * @throws EngineOverloadedException when too many requests wait already
     * @throws EngineFailedException while the engine is being replaced
     */
    public GenerationEngine.Generation submit(GenerationRequest request, GenerationListener listener) {
        GenerationEngine now = engine;
        if (now == null) {
            throw new EngineFailedException(new IllegalStateException("it is being replaced"));
        }
        return now.submit(request, listener);
    }

    /** In the thread of the engine that failed, since there may be no memory for another. */
    private void replace(Throwable failure) {
        LOG.error("an engine failed and is replaced", failure);
        synchronized (this) {
            engine = null;
            replacing = Thread.currentThread();
        }
        tryUntilItWorks();
    }

    private void tryUntilItWorks() {
        Duration wait = FIRST_WAIT;
        while (!closed) {
            try {
                GenerationEngine made = open();
                if (!taken(made)) {
                    made.close();
                }
                return;
            } catch (RuntimeException | Error e) {
                LOG.error("the engine could not be made anew; next try in {} ms", wait.toMillis(), e);
            }
            LockSupport.parkNanos(wait.toNanos());
            wait = wait.multipliedBy(2).compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait.multipliedBy(2);
        }
    }

    private synchronized boolean taken(GenerationEngine made) {
        if (!closed && !made.failed()) {
            engine = made;
        }
        return !closed;
    }

    @Override
    public void close() {
        GenerationEngine last;
        Thread maker;
        synchronized (this) {
            closed = true;
            last = engine;
            maker = replacing;
            engine = null;
        }
        if (maker != null) {
            LockSupport.unpark(maker);
        }
        if (last != null) {
            last.close();
        }
    }
}
