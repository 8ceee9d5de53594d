package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.onnx.OnnxBinding;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxTensor;

/** A checkpoint's graph, loaded with its weights. */
final class ModelSession implements AutoCloseable {
    private final LoadedGraph loaded;

    /** Holds what weights in memory lie in, for as long as the session reads them there. */
    private final OnnxGraph.Model model;

    private final OnnxDevice device;

    private ModelSession(LoadedGraph loaded, OnnxGraph.Model model, OnnxDevice device) {
        this.loaded = loaded;
        this.model = model;
        this.device = device;
    }

    static ModelSession open(Checkpoint checkpoint, OnnxGraph.Model model, int threads, OnnxDevice device) {
        return new ModelSession(LoadedGraph.open(checkpoint, model, threads, device), model, device);
    }

    OnnxBinding binding() {
        return withWeights(loaded.session().binding());
    }

    /** Of steps of always the same shapes, whose number is {@code number}. */
    OnnxBinding repeated(int number) {
        return withWeights(loaded.session().repeated(number));
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
        loaded.close();
    }
}
