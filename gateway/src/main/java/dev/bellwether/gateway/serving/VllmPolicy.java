package dev.bellwether.gateway.serving;

import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.ModelFootprint;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A version with weights that a vLLM server serves: the base that the server was started with, or an adapter of it, which is
 * loaded under a name that is never used twice, checked with the version's golden cases, and unloaded when nobody uses it any
 * more. A server that has forgotten it, since it was started anew, is told to load it again.
 */
public final class VllmPolicy implements Policy {
    private static final Logger LOG = LoggerFactory.getLogger(VllmPolicy.class);

    /** A server in 16 bits differs from the trainer by as much in the mean of a case's tokens. */
    private static final double TOLERANCE = .1;

    private static final Duration RETRY = Duration.ofSeconds(2);

    private final String bot;
    private final Checkpoint checkpoint;
    private final boolean adapter;
    private final String version;
    private final VllmServer server;
    private final boolean recordTokens;
    private final Function<String, UpstreamPolicy> chats;
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile @Nullable Name current;
    private volatile boolean closed;

    /** What the server calls the version now. */
    private final class Name {
        private final String name;
        private final UpstreamPolicy chat;
        private int uses;
        private boolean leaving;
        private boolean gone;

        private Name(String name) {
            this.name = name;
            this.chat = chats.apply(name);
        }

        private synchronized boolean enter() {
            uses += leaving ? 0 : 1;
            return !leaving;
        }

        private synchronized void exit() {
            uses--;
            unloadWhenUnused();
        }

        private synchronized void leave() {
            leaving = true;
            unloadWhenUnused();
        }

        private void unloadWhenUnused() {
            if (adapter && leaving && uses == 0 && !gone) {
                gone = true;
                Thread.ofVirtual().start(() -> unload(name));
            }
        }
    }

    private VllmPolicy(
            String bot,
            String version,
            Checkpoint checkpoint,
            boolean adapter,
            VllmServer server,
            boolean recordTokens,
            Function<String, UpstreamPolicy> chats) {
        this.bot = bot;
        this.version = version;
        this.checkpoint = checkpoint;
        this.adapter = adapter;
        this.server = server;
        this.recordTokens = recordTokens;
        this.chats = chats;
    }

    /**
     * Checks a version against its manifest, has the server load it where it is an adapter, and compares the server's
     * log-probabilities with the trainer's.
     *
     * @param recordTokens whether the server is asked for its tokens and their log-probabilities
     * @param chats the server as a service that answers by a name
     * @throws UnsupportedCheckpointException naming what the server said, or by how much it differs
     */
    static VllmPolicy load(
            PolicyStore store,
            String bot,
            String version,
            VllmServer server,
            boolean recordTokens,
            Function<String, UpstreamPolicy> chats) {
        boolean adapter = store.manifest(bot, version).artefactKind() == ArtefactKind.ADAPTER;
        VllmPolicy policy =
                new VllmPolicy(bot, version, store.open(bot, version), adapter, server, recordTokens, chats);
        policy.current = policy.named();
        return policy;
    }

    private Name named() {
        if (!adapter) {
            String model = server.config().model();
            if (!server.models().contains(model)) {
                throw server.refused("it does not serve '%s'".formatted(model));
            }
            verify(model);
            return new Name(model);
        }
        String name =
                "%s-%s-%s".formatted(bot, version, UUID.randomUUID().toString().substring(0, 8));
        try {
            server.load(name, bot, version, checkpoint.directory());
            verify(name);
        } catch (UnsupportedCheckpointException e) {
            // Also where the answer to the load was lost: the server may have it all the same.
            unload(name);
            throw e;
        }
        return new Name(name);
    }

    private void verify(String name) {
        try {
            GoldenCases.verify(checkpoint, (prompt, reply) -> server.logProbabilities(name, prompt, reply), TOLERANCE);
        } catch (UnsupportedCheckpointException e) {
            throw adapter
                    ? e
                    : new UnsupportedCheckpointException(
                            "%s; does the vLLM server at %s serve the weights of version %s?"
                                    .formatted(e.getMessage(), server.config().url(), version),
                            e);
        }
    }

    private void unload(String name) {
        try {
            server.unload(name);
        } catch (UnsupportedCheckpointException e) {
            LOG.warn("adapter {} could not be unloaded: {}", name, e.getMessage());
        }
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public boolean ready() {
        return current != null;
    }

    @Override
    public ModelFootprint footprint() {
        return ModelFootprint.NONE;
    }

    @Override
    public Generation reply(Ask ask, ReplyListener listener) {
        Name name = current;
        if (name == null || !name.enter()) {
            listener.onFailure(PolicyException.policy(ApiException.later(
                    503, "version_reloading", "The server behind this bot is loading the version again.", RETRY)));
            return () -> {};
        }
        VllmReply reply = new VllmReply(recordTokens, listener, name::exit, () -> look(name));
        return reply.started(name.chat.reply(reply.asked(ask), reply));
    }

    /** Finds out, after a failure, whether the server has forgotten the version. */
    private void look(Name name) {
        if (adapter && !closed && looking.compareAndSet(false, true)) {
            Thread.ofVirtual().start(() -> {
                try {
                    if (!server.models().contains(name.name)) {
                        loadAgain(name);
                    }
                } catch (UnsupportedCheckpointException e) {
                    LOG.error("version {} of {} is not served: {}", version, bot, e.getMessage());
                } finally {
                    looking.set(false);
                }
            });
        }
    }

    private void loadAgain(Name forgotten) {
        LOG.warn(
                "the vLLM server at {} has forgotten version {} of {}; it is loaded again",
                server.config().url(),
                version,
                bot);
        current = null;
        Name again = forgotten;
        try {
            again = named();
        } finally {
            current = again;
        }
        if (closed) {
            again.leave();
        }
    }

    @Override
    public Optional<Use> use() {
        Name name = current;
        if (name != null && !name.enter()) {
            return Optional.empty();
        }
        AtomicBoolean over = new AtomicBoolean();
        return Optional.of(new Use() {
            @Override
            public Policy policy() {
                return VllmPolicy.this;
            }

            @Override
            public void close() {
                if (name != null && over.compareAndSet(false, true)) {
                    name.exit();
                }
            }
        });
    }

    @Override
    public void close() {
        closed = true;
        Name name = current;
        if (name != null) {
            name.leave();
        }
    }
}
