package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.onnx.FileMemory;
import dev.bellwether.policy.onnx.NativeMemory;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxException;
import dev.bellwether.policy.onnx.OnnxSession;
import dev.bellwether.policy.onnx.OnnxTensor;
import java.util.HashMap;
import java.util.Map;

/** A checkpoint's graph, loaded with its weights from the checkpoint's files. */
final class ModelSession implements AutoCloseable {
    private final OnnxSession session;

    /** Of the weights that are not read as they lie in the files. */
    private final FileMemory memory;

    /** Holds what weights in memory lie in, for as long as the session reads them there. */
    private final OnnxGraph.Model model;

    private final OnnxDevice device;

    private ModelSession(OnnxSession session, FileMemory memory, OnnxGraph.Model model, OnnxDevice device) {
        this.device = device;
        this.session = session;
        this.memory = memory;
        this.model = model;
    }

    static ModelSession open(Checkpoint checkpoint, OnnxGraph.Model model, int threads, OnnxDevice device) {
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
            return new ModelSession(session, memory, model, device);
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

    OnnxBinding binding() {
        return withWeights(session.binding());
    }

    /** Of steps of always the same shapes, whose number is {@code number}. */
    OnnxBinding repeated(int number) {
        return withWeights(session.repeated(number));
    }

    private OnnxBinding withWeights(OnnxBinding binding) {
        try {
            model.bound().forEach((name, weight) -> {
                try (OnnxTensor tensor = OnnxTensor.over(device, weight.numbers(), weight.type(), weight.shape())) {
                    binding.input(name, tensor);
                }
            });
            return binding;
        } catch (RuntimeException | Error e) {
            binding.close();
            throw e;
        }
    }

    @Override
    public void close() {
        try {
            session.close();
        } finally {
            memory.close();
            NativeMemory.trim();
        }
    }
}
