package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Which files of a checkpoint's folder hold its weights, decided here for serving, training and import alike, as {@code
 * transformers} decides: {@code model.safetensors} before the shards of an index.
 */
public final class WeightFiles {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** What people take for a model, and why it is none here. */
    private static final Map<String, String> OTHERS = Map.of(
            "adapter_model.safetensors",
                    "it holds an adapter alone (adapter_model.safetensors); name its base as --checkpoint and it as --adapter",
            "pytorch_model.bin",
                    "it holds pytorch_model.bin, which is not read, because loading it would run what is in it;"
                            + " save the model as safetensors",
            "pytorch_model.bin.index.json",
                    "it holds pytorch_model.bin shards, which are not read; save the model as safetensors");

    private static final ObjectMapper JSON = new ObjectMapper();

    private WeightFiles() {}

    /** Whether the folder brings weights, rather than the description of a model to begin from. */
    public static boolean present(Path directory) {
        if (anyOwn(directory)) {
            return true;
        }
        if (OTHERS.keySet().stream().anyMatch(name -> Files.exists(directory.resolve(name)))) {
            throw missing(directory);
        }
        return false;
    }

    /** Whether the folder has weights in a form that is read. */
    static boolean anyOwn(Path directory) {
        return Files.exists(directory.resolve(SINGLE)) || Files.exists(directory.resolve(INDEX));
    }

    /** The weights' files, in one order. */
    static List<Path> of(Path directory) {
        if (Files.exists(directory.resolve(SINGLE))) {
            return List.of(directory.resolve(SINGLE));
        }
        Path index = directory.resolve(INDEX);
        if (!Files.exists(index)) {
            throw missing(directory);
        }
        try {
            TreeSet<String> names = new TreeSet<>();
            for (JsonNode file : JSON.readTree(Files.readAllBytes(index)).path("weight_map")) {
                if (!file.asText().matches("[A-Za-z0-9_.-]+\\.safetensors")) {
                    throw new UnsupportedCheckpointException(
                            "shard '%s' is not a file of its directory".formatted(file.asText()));
                }
                names.add(file.asText());
            }
            if (names.isEmpty()) {
                throw new UnsupportedCheckpointException("%s names no shards".formatted(INDEX));
            }
            return names.stream().map(directory::resolve).toList();
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(index, e);
        }
    }

    private static UnsupportedCheckpointException missing(Path directory) {
        Optional<String> other = OTHERS.keySet().stream()
                .sorted()
                .filter(name -> Files.exists(directory.resolve(name)))
                .findFirst();
        return new UnsupportedCheckpointException("%s has no %s: %s"
                .formatted(
                        directory,
                        SINGLE,
                        other.map(OTHERS::get).orElse("neither that file nor shards with their index are there")));
    }
}
