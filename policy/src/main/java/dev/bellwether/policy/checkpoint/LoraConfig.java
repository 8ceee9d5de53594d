package dev.bellwether.policy.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Low-rank adapters: beside a frozen matrix W {@code [out, in]} two small ones are trained, A {@code [rank, in]} and B
 * {@code [out, rank]}, and what is computed with is W + (alpha / rank)·B·A.
 *
 * @param targets the layers' matrices that have one, by the last part of their names
 * @see <a href="https://arxiv.org/abs/2106.09685">Hu et al.: LoRA</a>
 */
public record LoraConfig(int rank, double alpha, List<String> targets) {
    /** What may have one. */
    public static final List<String> MATRICES =
            List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

    public static final LoraConfig DEFAULT = new LoraConfig(16, 32, MATRICES);

    /** What PEFT puts before the names of a model's modules. */
    private static final String PREFIX = "base_model.model.";

    private static final String WEIGHT = ".weight";

    public LoraConfig {
        targets = List.copyOf(targets);
        if (rank < 1 || rank > 1_024 || !(alpha > 0) || targets.isEmpty()) {
            throw new IllegalArgumentException(
                    "lora: rank %d (1 to 1024), alpha %s (above 0), targets %s (at least one)"
                            .formatted(rank, alpha, targets));
        }
        for (String target : targets) {
            if (!MATRICES.contains(target)) {
                throw new IllegalArgumentException("lora: target '%s' is none of %s".formatted(target, MATRICES));
            }
        }
    }

    /** Whether the same is computed, in whatever order the targets are named. */
    public boolean sameAs(LoraConfig other) {
        return rank == other.rank && alpha == other.alpha && Set.copyOf(targets).equals(Set.copyOf(other.targets));
    }

    /** What B·A is multiplied with. */
    public double scale() {
        return alpha / rank;
    }

    /** PEFT's name of the matrix A that stands beside the model's tensor {@code name}. */
    public static String down(String name) {
        return PREFIX + name.substring(0, name.length() - WEIGHT.length()) + ".lora_A.weight";
    }

    /** PEFT's name of the matrix B. */
    public static String up(String name) {
        return PREFIX + name.substring(0, name.length() - WEIGHT.length()) + ".lora_B.weight";
    }

    /** The model's matrices that have an adapter. */
    public List<TensorShape> adapted(CheckpointConfig config) {
        return config.tensors().stream()
                .filter(tensor ->
                        targets.stream().anyMatch(target -> tensor.name().endsWith("." + target + WEIGHT)))
                .toList();
    }

    /** The adapters' tensors by PEFT's names. */
    public List<TensorShape> tensors(CheckpointConfig config) {
        List<TensorShape> tensors = new ArrayList<>();
        for (TensorShape matrix : adapted(config)) {
            long out = matrix.dimensions().getFirst();
            long in = matrix.dimensions().getLast();
            tensors.add(new TensorShape(down(matrix.name()), List.of((long) rank, in)));
            tensors.add(new TensorShape(up(matrix.name()), List.of(out, (long) rank)));
        }
        return tensors;
    }
}
