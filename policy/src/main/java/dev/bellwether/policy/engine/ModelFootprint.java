package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.Safetensors;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What a version takes of memory while it serves.
 *
 * @param ownBytes whoever else is loaded
 * @param shared the name of what several versions compute with; none where it is the version's own
 * @param sharedBytes of that, for all of them together
 */
public record ModelFootprint(long ownBytes, Optional<String> shared, long sharedBytes) {
    /** Of what another machine serves. */
    public static final ModelFootprint NONE = new ModelFootprint(0, Optional.empty(), 0);

    public static ModelFootprint of(Checkpoint checkpoint, ModelLimits limits) {
        EngineConfig engine = limits.engine(checkpoint.config());
        ModelMemory memory = ModelMemory.of(checkpoint.config(), limits);
        long adapters = checkpoint
                .adapter()
                .map(adapter -> adapter.entries().values().stream()
                        .mapToLong(Safetensors.Entry::length)
                        .sum())
                .orElse(0L);
        Optional<String> shared = checkpoint.adapter().isEmpty() ? Optional.empty() : engine.shared(checkpoint);
        return shared.isPresent()
                ? new ModelFootprint(memory.bytes() - memory.weightsBytes() + adapters, shared, memory.weightsBytes())
                : new ModelFootprint(memory.bytes() + adapters, shared, 0);
    }

    /** Of the version alone. */
    public long bytes() {
        return ownBytes + sharedBytes;
    }

    /** Of all together. */
    public static long total(Collection<ModelFootprint> all) {
        Set<String> counted = new HashSet<>();
        return all.stream()
                .mapToLong(each -> each.ownBytes()
                        + (each.shared().filter(name -> !counted.add(name)).isPresent() ? 0 : each.sharedBytes()))
                .sum();
    }
}
