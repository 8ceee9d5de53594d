package dev.bellwether.policy.engine;

import com.google.common.hash.Hashing;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.onnx.FileMemory;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxException;
import dev.bellwether.policy.onnx.OnnxSession;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A graph that is loaded with the weights of a checkpoint's files. Versions whose adapters are inputs of the same graph over
 * the same files share one, as long as any of them is open.
 */
final class LoadedGraph implements AutoCloseable {
    private static final Map<Key, LoadedGraph> SHARED = new ConcurrentHashMap<>();

    private final OnnxSession session;

    /** Of the weights that are not read as they lie in the files. */
    private final FileMemory memory;

    private final Optional<Key> key;
    private int users = 1;

    /** What is the same graph over the same weights. */
    private record Key(String name, int threads) {}

    private LoadedGraph(OnnxSession session, FileMemory memory, Optional<Key> key) {
        this.session = session;
        this.memory = memory;
        this.key = key;
    }

    /**
     * The name of what others share with {@code checkpoint} as this graph; none where it is the checkpoint's own: where no
     * adapter is an input, and where weights are in memory or on a GPU.
     */
    static Optional<String> shared(Checkpoint checkpoint, OnnxGraph.Model model, OnnxDevice device) {
        if (checkpoint.adapter().isEmpty()
                || checkpoint.memory().isPresent()
                || device.cuda()
                || model.bound().isEmpty()) {
            return Optional.empty();
        }
        Path weights = checkpoint.weightsDirectory().toAbsolutePath().normalize();
        return Optional.of("%s as %s".formatted(weights, Hashing.sha256().hashBytes(model.graph())));
    }

    /** Loads the graph, or takes part in one that is loaded. */
    static LoadedGraph open(Checkpoint checkpoint, OnnxGraph.Model model, int threads, OnnxDevice device) {
        Optional<Key> key = shared(checkpoint, model, device).map(name -> new Key(name, threads));
        return key.isEmpty()
                ? load(checkpoint, model, threads, device, key)
                : SHARED.compute(
                        key.get(),
                        (_, known) -> known == null ? load(checkpoint, model, threads, device, key) : known.again());
    }

    private LoadedGraph again() {
        users++;
        return this;
    }

    private static LoadedGraph load(
            Checkpoint checkpoint, OnnxGraph.Model model, int threads, OnnxDevice device, Optional<Key> key) {
        FileMemory memory = new FileMemory();
        Map<String, OnnxTensor> initializers = new HashMap<>();
        try {
            model.matrices().forEach(matrix -> initializers.putAll(matrix.quantized(memory)));
            model.inMemory()
                    .forEach((name, weight) ->
                            initializers.put(name, OnnxTensor.over(weight.numbers(), weight.type(), weight.shape())));
            OnnxSession session =
                    OnnxSession.open(model.graph(), checkpoint.weightsDirectory(), initializers, threads, device);
            // The session has laid most weights out anew for itself.
            memory.release();
            NativeMemory.trim();
            return new LoadedGraph(session, memory, key);
        } catch (OnnxException e) {
            memory.close();
            throw new UnsupportedCheckpointException(
                    "%s cannot be loaded: %s".formatted(checkpoint.directory(), e.getMessage()), e);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        } finally {
            initializers.values().forEach(OnnxTensor::close);
        }
    }

    OnnxSession session() {
        return session;
    }

    /** Frees it, once nobody uses it. */
    @Override
    public void close() {
        // Nobody takes part any more in what is not among the shared ones.
        if (key.isEmpty() || SHARED.computeIfPresent(key.get(), (_, known) -> known.left() ? known : null) == null) {
            free();
        }
    }

    /** Whether others still use it. */
    private boolean left() {
        users--;
        return users > 0;
    }

    private void free() {
        try {
            session.close();
        } finally {
            memory.close();
            NativeMemory.trim();
        }
    }
}
