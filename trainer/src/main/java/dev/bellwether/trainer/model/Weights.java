package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.Adapter;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.StoredTensor;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A model's tensors by their Hugging Face names, in float32.
 *
 * <p>Its own lie one after the other in one vector of native memory, so that what is done to all of them, an optimizer's
 * step or a copy, is a few operations. Behind them may stand a base that several share and nobody changes: then its own
 * are low-rank adapters of the base, and a head.
 */
public final class Weights implements AutoCloseable {
    private static final double HEAD_DEVIATION = .01;

    private final List<TensorShape> shapes;
    private final ComputeDevice device;
    private final @Nullable Weights base;
    private final @Nullable LoraConfig lora;
    private final Tensor vector;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** Adapters by the names of the base's tensors that they stand beside. */
    private final Map<String, LowRank> adapters = new LinkedHashMap<>();

    private boolean closed;

    /** Low-rank matrices {@code down [rank, in]} and {@code up [out, rank]}. */
    record LowRank(Tensor down, Tensor up, Scalar scale) {}

    private Weights(List<TensorShape> shapes, ComputeDevice device, @Nullable Weights base, @Nullable LoraConfig lora) {
        this.shapes = List.copyOf(shapes);
        this.device = device;
        this.base = base;
        this.lora = lora;
        try (PointerScope _ = Torch.scope()) {
            vector = torch.zeros(new long[] {size(shapes)}, device.options());
            vector.retainReference();
            tensors.putAll(views(vector));
            tensors.values().forEach(Tensor::retainReference);
        }
        if (base != null && lora != null) {
            for (String name : base.tensors.keySet()) {
                Tensor down = tensors.get(LoraConfig.down(name));
                Tensor up = tensors.get(LoraConfig.up(name));
                if (down != null && up != null) {
                    adapters.put(name, new LowRank(down, up, new Scalar(lora.scale())));
                }
            }
        }
    }

    private static long size(List<TensorShape> shapes) {
        return shapes.stream().mapToLong(TensorShape::size).sum();
    }

    /** Parts of {@code whole}, which is as long as this vector, in the shapes of this one's tensors. */
    Map<String, Tensor> views(Tensor whole) {
        Map<String, Tensor> views = new LinkedHashMap<>();
        long offset = 0;
        for (TensorShape shape : shapes) {
            views.put(
                    shape.name(),
                    whole.narrow(0, offset, shape.size()).view(shape.shape()).detach());
            offset += shape.size();
        }
        return views;
    }

    /** Zeros for every tensor of a model. */
    static Weights zeros(CheckpointConfig config, ComputeDevice device) {
        return new Weights(config.tensors(), device, null, null);
    }

    /** All weights of a checkpoint, from its mapped files; NaN is refused. */
    public static Weights of(Checkpoint checkpoint, ComputeDevice device) {
        return of(checkpoint, checkpoint.config().tensors(), device);
    }

    /** Some of a checkpoint's weights; adapters are merged into them. */
    static Weights of(Checkpoint checkpoint, List<TensorShape> shapes, ComputeDevice device) {
        Weights weights = new Weights(shapes, device, null, null);
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard();
                Arena arena = Arena.ofConfined()) {
            for (TensorShape shape : shapes) {
                Checkpoint.Location location = checkpoint
                        .location(shape.name())
                        .orElseThrow(() ->
                                new UnsupportedCheckpointException("tensor %s is missing".formatted(shape.name())));
                Tensor tensor = weights.get(shape.name());
                tensor.copy_(StoredTensor.mapped(location, arena));
                checkpoint
                        .adapter()
                        .filter(adapter -> adapter.covers(shape.name()))
                        .ifPresent(adapter -> tensor.add_(product(adapter, shape.name(), arena)));
                if (!tensor.isfinite().all().item_bool()) {
                    throw new UnsupportedCheckpointException(
                            "tensor %s holds a number that is not finite".formatted(shape.name()));
                }
            }
            return weights;
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** What an adapter adds to a matrix. */
    private static Tensor product(Adapter adapter, String matrix, Arena arena) {
        Tensor up = StoredTensor.mapped(adapter.location(LoraConfig.up(matrix)), arena)
                .to(ScalarType.Float);
        Tensor down = StoredTensor.mapped(adapter.location(LoraConfig.down(matrix)), arena)
                .to(ScalarType.Float);
        return up.matmul(down).mul(new Scalar(adapter.lora().scale()));
    }

    /** Weights of a new model: normal with deviation .04·√(256/hidden), output projections less by depth. */
    public static Weights random(CheckpointConfig config, long seed, ComputeDevice device) {
        Random random = new Random(seed);
        double deviation = .04 * Math.sqrt(256.0 / config.hiddenSize());
        Weights weights = zeros(config, device);
        for (TensorShape shape : config.tensors()) {
            String name = shape.name();
            boolean output = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
            if (name.endsWith("norm.weight")) {
                weights.fill(name, 1);
            } else if (!name.endsWith("bias")) {
                weights.randomize(name, output ? deviation / Math.sqrt(2.0 * config.layers()) : deviation, random);
            }
        }
        return weights;
    }

    private void fill(String name, double value) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            get(name).fill_(new Scalar(value));
        }
    }

    private void randomize(String name, double deviation, Random random) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            Tensor tensor = get(name);
            float[] numbers = new float[Math.toIntExact(tensor.numel())];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = (float) (random.nextGaussian() * deviation);
            }
            tensor.copy_(Torch.floats(device, numbers, tensor.shape()));
        }
    }

    /**
     * What a model of {@code config} is trained from that starts as this one: a copy, or with {@code lora} adapters over
     * this one, which then is shared and has to stay. Heads that this one lacks are small random numbers.
     */
    public Weights trainable(CheckpointConfig config, Optional<LoraConfig> lora, long seed) {
        Random random = new Random(seed);
        List<TensorShape> missing =
                config.tensors().stream().filter(shape -> !has(shape.name())).toList();
        if (lora.isEmpty()) {
            Weights copy = zeros(config, device);
            copy.copyFrom(this);
            missing.forEach(shape -> copy.randomize(shape.name(), HEAD_DEVIATION, random));
            return copy;
        }
        List<TensorShape> own = new ArrayList<>(lora.get().tensors(config));
        own.addAll(missing);
        Weights adapted = new Weights(own, device, this, lora.get());
        adapted.adapters
                .keySet()
                .forEach(name -> adapted.randomize(
                        LoraConfig.down(name),
                        1 / Math.sqrt((double) adapted.get(name).size(1)),
                        random));
        missing.forEach(shape -> adapted.randomize(shape.name(), HEAD_DEVIATION, random));
        return adapted;
    }

    /** As this one, but with one head, the mean of this one's heads divided by {@code deviation}. */
    public Weights withMeanHead(CheckpointConfig oneHead, double deviation) {
        List<TensorShape> own = new ArrayList<>();
        List<String> heads = new ArrayList<>();
        for (TensorShape shape : shapes) {
            boolean head = oneHead.tensors().stream()
                    .anyMatch(wanted -> wanted.name().equals(shape.name())
                            && !wanted.dimensions().equals(shape.dimensions()));
            own.add(
                    head
                            ? new TensorShape(
                                    shape.name(), List.of(1L, shape.dimensions().getLast()))
                            : shape);
            if (head) {
                heads.add(shape.name());
            }
        }
        Weights other = new Weights(own, device, base, lora);
        other.copyFrom(this);
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            for (String head : heads) {
                Tensor mean = get(head).mean(new long[] {0}, true, new ScalarTypeOptional());
                other.get(head).copy_(mean.div(new Scalar(deviation)));
            }
        }
        return other;
    }

    /** Takes over the tensors of {@code other} that both have in the same shape. */
    private void copyFrom(Weights other) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            tensors.forEach((name, tensor) -> {
                if (other.has(name) && other.get(name).numel() == tensor.numel()) {
                    tensor.copy_(other.get(name));
                }
            });
        }
    }

    /** Takes over all numbers of a copy of its own, or of what it is a copy of. */
    public void take(Weights copy) {
        try (NoGradGuard _ = new NoGradGuard()) {
            vector.copy_(copy.vector);
        }
    }

    /** A copy of its own tensors over the same base. */
    public Weights copy() {
        Weights copy = new Weights(shapes, device, base, lora);
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            copy.vector.copy_(vector);
        }
        return copy;
    }

    /** A copy with every number rounded to bfloat16, as weights are published. */
    public Weights rounded() {
        Weights rounded = copy();
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            rounded.vector.copy_(vector.to(ScalarType.BFloat16));
        }
        return rounded;
    }

    public ComputeDevice device() {
        return device;
    }

    /** Adapters' settings; none where all weights are its own. */
    public Optional<LoraConfig> lora() {
        return Optional.ofNullable(lora);
    }

    boolean has(String name) {
        return tensors.containsKey(name) || (base != null && base.has(name));
    }

    /** A tensor of its own, or of the base. */
    public Tensor get(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor != null) {
            return tensor;
        }
        if (base == null) {
            throw new IllegalArgumentException("there is no tensor " + name);
        }
        return base.get(name);
    }

    @Nullable
    LowRank adapter(String name) {
        return adapters.get(name);
    }

    /** The names of its own tensors. */
    public Set<String> names() {
        return tensors.keySet();
    }

    /** Its own tensors. */
    Map<String, Tensor> own() {
        return tensors;
    }

    /** All of its own numbers, {@code [n]}. */
    public Tensor vector() {
        return vector;
    }

    /** A copy without a base, the adapters merged. */
    public Weights merged(CheckpointConfig config) {
        Weights merged = zeros(config, device);
        try (NoGradGuard _ = new NoGradGuard()) {
            merged.tensors.forEach((name, tensor) -> {
                try (PointerScope _ = Torch.scope()) {
                    tensor.copy_(merged(name));
                }
            });
        }
        return merged;
    }

    /** The tensor as it is computed with: an adapter's product added. */
    Tensor merged(String name) {
        LowRank adapter = adapter(name);
        return adapter == null
                ? get(name)
                : get(name).add(adapter.up().matmul(adapter.down()).mul(adapter.scale()));
    }

    /** Writes {@code config.json} and {@code model.safetensors} into an existing folder, adapters merged. */
    public void write(Path directory, CheckpointConfig config, NumberFormat format) throws IOException {
        Checkpoint.write(directory, config, format, (shape, channel) -> {
            try (PointerScope _ = Torch.scope();
                    NoGradGuard _ = new NoGradGuard()) {
                Tensor rounded =
                        merged(shape.name()).to(StoredTensor.type(format)).cpu().contiguous();
                Torch.write(rounded, channel);
            }
        });
    }

    /** Its own numbers as an array, which has to be small enough for one. */
    public float[] toArray() {
        return Torch.toArray(vector);
    }

    /** Whether all of its own numbers are those of {@code other}, bit by bit. */
    public boolean sameAs(Weights other) {
        try (PointerScope _ = Torch.scope()) {
            return vector.equal(other.vector);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        tensors.values().forEach(Tensor::releaseReference);
        adapters.values().forEach(adapter -> adapter.scale().close());
        vector.releaseReference();
    }
}
