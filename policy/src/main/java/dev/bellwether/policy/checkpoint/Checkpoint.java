package dev.bellwether.policy.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model in a Hugging Face checkpoint directory: {@code config.json} and {@code model.safetensors}, or shards with
 * their index. Opening it checks that every tensor the config asks for is there in its shape.
 */
public final class Checkpoint {

    private final Path directory;
    private final CheckpointConfig config;
    private final Map<String, Location> locations;
    private final @Nullable InMemory memory;
    private final @Nullable Adapter adapter;

    private Checkpoint(
            Path directory,
            CheckpointConfig config,
            Map<String, Location> locations,
            @Nullable InMemory memory,
            @Nullable Adapter adapter) {
        this.directory = directory;
        this.config = config;
        this.locations = locations;
        this.memory = memory;
        this.adapter = adapter;
    }

    /** Where a tensor lies. */
    public record Location(Safetensors file, Safetensors.Entry entry) {}

    /** Opens a folder with weights, or an adapter version of a store, whose base is beside it. */
    public static Checkpoint open(Path directory) {
        if (!Adapter.alone(directory) || !Files.exists(directory.resolve(Manifest.FILE))) {
            return open(directory, directory);
        }
        Manifest.Base base = Manifest.read(directory).base();
        if (base == null) {
            throw new UnsupportedCheckpointException(
                    "%s holds adapters, and its manifest does not say of which version".formatted(directory));
        }
        return adapted(directory, directory.resolveSibling(base.version()));
    }

    /**
     * A base with adapters over it.
     *
     * @param directory of the adapters, the configuration and the tokenizer
     * @param base folder of the weights that they are adapters of
     */
    public static Checkpoint adapted(Path directory, Path base) {
        if (Adapter.alone(base)) {
            throw new UnsupportedCheckpointException("the base of %s holds adapters itself".formatted(directory));
        }
        Checkpoint weights = open(directory, base);
        return new Checkpoint(
                directory, weights.config, weights.locations, null, Adapter.open(directory, weights.config));
    }

    private static Checkpoint open(Path directory, Path base) {
        CheckpointConfig stated = CheckpointConfig.read(directory);
        Map<String, Location> locations = new LinkedHashMap<>();
        for (Path weights : WeightFiles.of(base)) {
            Safetensors file = Safetensors.open(weights);
            file.entries().values().forEach(entry -> locations.put(entry.name(), new Location(file, entry)));
        }
        CheckpointConfig config = ownHead(stated, locations) ? stated.untied() : stated;
        for (TensorShape shape : config.tensors()) {
            Location location = locations.get(shape.name());
            if (location == null) {
                throw new UnsupportedCheckpointException("tensor %s is missing".formatted(shape.name()));
            }
            location.entry().requireFormat();
            if (!location.entry().dimensions().equals(shape.dimensions())) {
                throw new UnsupportedCheckpointException("tensor %s has shape %s, config.json wants %s"
                        .formatted(shape.name(), location.entry().dimensions(), shape.dimensions()));
            }
        }
        return new Checkpoint(directory, config, locations, null, null);
    }

    /**
     * Weights that are in no file, in float32 or float16; what is given has to stay as long as what was opened from it.
     */
    public interface InMemory {
        /** A tensor, row-major. */
        MemorySegment tensor(String name, NumberFormat format);

        /** Whether its memory is that of the GPU that will read it, and may be written anew between two of its steps. */
        default boolean onGpu() {
            return false;
        }

        /** Matrices {@code [out, in]} of as many columns, one below the other, transposed: {@code [in, all outs]}. */
        MemorySegment transposed(List<String> matrices, NumberFormat format);
    }

    /**
     * A model that is only in memory.
     *
     * @param directory of the tokenizer that it goes with
     */
    public static Checkpoint inMemory(Path directory, CheckpointConfig config, InMemory weights) {
        return new Checkpoint(directory, config, Map.of(), weights, null);
    }

    /** Whether the file has a head that differs from the embedding: it is used, though the configuration says tied. */
    private static boolean ownHead(CheckpointConfig config, Map<String, Location> locations) {
        Location head = locations.get(ModelTensors.HEAD);
        Location embeddings = locations.get(ModelTensors.EMBEDDINGS);
        return config.tiedEmbeddings()
                && !config.rewardModel()
                && head != null
                && embeddings != null
                && !head.file().sameNumbers(head.entry(), embeddings.file(), embeddings.entry());
    }

    public Path directory() {
        return directory;
    }

    public CheckpointConfig config() {
        return config;
    }

    /** The folder of the weights' files; another one where these are adapters. */
    public Path weightsDirectory() {
        return locations.values().stream()
                .findFirst()
                .flatMap(each -> Optional.ofNullable(each.file().file().getParent()))
                .orElse(directory);
    }

    /** What is computed with besides the weights. */
    public Optional<Adapter> adapter() {
        return Optional.ofNullable(adapter);
    }

    public Optional<Location> location(String tensor) {
        return Optional.ofNullable(locations.get(tensor));
    }

    /** The weights of a model that is only in memory. */
    public Optional<InMemory> memory() {
        return Optional.ofNullable(memory);
    }

    /** All parameters as one vector, in the order of {@link CheckpointConfig#tensors()}, without adapters; NaN is refused. */
    public float[] parameters() {
        float[] flat = new float[config.flatSize()];
        int offset = 0;
        Map<String, Location> known = new HashMap<>(locations);
        for (TensorShape shape : config.tensors()) {
            Location location = known.get(shape.name());
            float[] numbers = location == null ? new float[0] : location.file().read(shape.name());
            finite(shape.name(), numbers);
            System.arraycopy(numbers, 0, flat, offset, numbers.length);
            offset += numbers.length;
        }
        return flat;
    }

    /** Refuses weights that are no numbers; reads the mapped files in pieces. */
    public void requireFinite() {
        for (TensorShape shape : config.tensors()) {
            Location location = locations.get(shape.name());
            if (location != null && !location.file().finite(location.entry())) {
                throw notFinite(shape.name());
            }
        }
    }

    private static void finite(String name, float[] numbers) {
        for (float number : numbers) {
            if (!Float.isFinite(number)) {
                throw notFinite(name);
            }
        }
    }

    private static UnsupportedCheckpointException notFinite(String name) {
        return new UnsupportedCheckpointException("tensor %s holds a number that is not finite".formatted(name));
    }

    /** Writes {@code config.json} and {@code model.safetensors} into an existing directory. */
    public static void write(Path directory, CheckpointConfig config, NumberFormat format, Safetensors.Numbers numbers)
            throws IOException {
        Safetensors.write(directory.resolve("model.safetensors"), config.tensors(), format, numbers);
        writeConfig(directory, config, format);
    }

    /** The same of all parameters as one vector, in the order of {@link CheckpointConfig#tensors()}. */
    public static void write(Path directory, CheckpointConfig config, float[] parameters, NumberFormat format)
            throws IOException {
        Safetensors.write(directory.resolve("model.safetensors"), config.tensors(), parameters, format);
        writeConfig(directory, config, format);
    }

    private static void writeConfig(Path directory, CheckpointConfig config, NumberFormat format) throws IOException {
        Files.writeString(directory.resolve("config.json"), config.toJson(format) + System.lineSeparator());
    }
}
