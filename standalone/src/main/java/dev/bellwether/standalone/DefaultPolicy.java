package dev.bellwether.standalone;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** The policy artefact that ships with the project, at {@code default-policy/artefact} of its home. */
record DefaultPolicy(Path artefact) {
    /** The version name under which it stands in a store. */
    static final String VERSION = "default";

    static DefaultPolicy of(Path home) {
        return new DefaultPolicy(home.resolve("default-policy").resolve("artefact"));
    }

    private static final String MANIFEST = "manifest.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Puts the artefact into a bot's part of the store, whole or not at all, unless it is there. */
    void copyTo(Path botStore) throws IOException {
        Path target = botStore.resolve(VERSION);
        if (Files.exists(target)) {
            return;
        }
        if (!Files.isDirectory(artefact)) {
            throw new StandaloneException(
                    "default_policy_missing",
                    ("The default policy is missing: %s does not exist. "
                                    + "Restore it with git, make it with default-policy/make.sh, or set BELLWETHER_HOME.")
                            .formatted(artefact));
        }
        Files.createDirectories(botStore);
        Path temporary = Files.createTempDirectory(botStore, "." + VERSION);
        for (Path source : contents()) {
            copy(source, temporary.resolve(artefact.relativize(source).toString()));
        }
        label(temporary.resolve(MANIFEST), String.valueOf(botStore.getFileName()));
        sync(temporary);
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        sync(botStore);
    }

    /** Says whose it is now. */
    private static void label(Path manifest, String bot) throws IOException {
        if (!Files.exists(manifest)) {
            return;
        }
        if (!(JSON.readTree(manifest.toFile()) instanceof ObjectNode json)) {
            throw new IOException("%s holds no JSON object".formatted(manifest));
        }
        JSON.writerWithDefaultPrettyPrinter()
                .writeValue(manifest.toFile(), json.put("bot", bot).put("version", VERSION));
        sync(manifest);
    }

    private List<Path> contents() throws IOException {
        try (Stream<Path> paths = Files.walk(artefact)) {
            return paths.filter(path -> !path.equals(artefact)).toList();
        }
    }

    private static void copy(Path source, Path target) throws IOException {
        if (Files.isDirectory(source)) {
            Files.createDirectories(target);
        } else {
            Files.copy(source, target);
            sync(target);
        }
    }

    private static void sync(Path path) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
