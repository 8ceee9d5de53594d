package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.trainer.tensor.StoredTensor;
import dev.bellwether.trainer.tensor.Torch;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Weights as an engine reads them without a file, adapters merged, on the device where they are trained. What
 * {@link #update} writes there, the next step of an engine on a GPU reads; an engine on a processor reads them once.
 */
public final class ServedWeights implements Checkpoint.InMemory, AutoCloseable {
    private final Weights weights;
    private final Map<Part, Tensor> parts = new HashMap<>();

    /** Tensors one below the other, in a format. */
    private record Part(List<String> names, boolean transposed, NumberFormat format) {}

    public ServedWeights(Weights weights) {
        this.weights = weights;
    }

    /** Whose they are. */
    public Weights of() {
        return weights;
    }

    @Override
    public boolean onGpu() {
        return weights.device().cuda();
    }

    @Override
    public MemorySegment tensor(String name, NumberFormat format) {
        return memory(new Part(List.of(name), false, format));
    }

    @Override
    public MemorySegment transposed(List<String> matrices, NumberFormat format) {
        return memory(new Part(matrices, true, format));
    }

    private MemorySegment memory(Part part) {
        return Torch.memory(parts.computeIfAbsent(part, this::made));
    }

    private Tensor made(Part part) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor made = computed(part);
            made.retainReference();
            weights.device().settle();
            return made;
        }
    }

    /** The weights' own tensor, where it is as it is wanted. */
    private Tensor computed(Part part) {
        Tensor[] merged = part.names().stream().map(weights::merged).toArray(Tensor[]::new);
        Tensor whole = merged.length == 1 ? merged[0] : torch.cat(new TensorVector(merged), 0);
        Tensor laid = part.transposed() ? whole.t() : whole;
        return laid.to(StoredTensor.type(part.format())).contiguous();
    }

    /** Takes over what the weights have become. */
    public void update() {
        try (NoGradGuard _ = new NoGradGuard()) {
            parts.forEach((part, tensor) -> {
                try (PointerScope _ = Torch.scope()) {
                    tensor.copy_(computed(part));
                }
            });
        }
        weights.device().settle();
    }

    @Override
    public void close() {
        parts.values().forEach(Tensor::releaseReference);
        parts.clear();
    }
}
