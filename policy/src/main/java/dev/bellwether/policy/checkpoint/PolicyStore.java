package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The versions of every bot's policy: {@code root/bot/version/}, never changed once there. */
public final class PolicyStore {
    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}";
    private static final String UNFINISHED = ".unfinished-";

    private final Path root;

    public PolicyStore(Path root) {
        this.root = root;
    }

    /** Fills a new artefact's directory. */
    public interface Writer {
        void write(Path directory) throws IOException;
    }

    /** Where a version lies; refuses names that would leave the store. */
    public Path path(String bot, String version) {
        if (!bot.matches(NAME) || !version.matches(NAME)) {
            throw new UnsupportedCheckpointException("'%s' or '%s' is not a name".formatted(bot, version));
        }
        return root.resolve(bot).resolve(version);
    }

    public boolean contains(String bot, String version) {
        return Files.isDirectory(path(bot, version));
    }

    /** Opens a version after checking it against its manifest. */
    public Checkpoint open(String bot, String version) {
        Path directory = path(bot, version);
        if (!Files.isDirectory(directory)) {
            throw new UnsupportedCheckpointException(
                    "version %s of bot %s is not in the store".formatted(version, bot));
        }
        Manifest.read(directory).verify(directory);
        return Checkpoint.open(directory);
    }

    /**
     * Publishes a version: written under another name, forced to disk, renamed. A version that is there already is left
     * as it is, so publishing again after a crash changes nothing.
     */
    public Path publish(
            String bot,
            String version,
            @Nullable String parent,
            Instant created,
            @Nullable JsonNode refresh,
            Writer writer)
            throws IOException {
        Path target = path(bot, version);
        if (Files.isDirectory(target)) {
            return target;
        }
        Path unfinished = target.resolveSibling(UNFINISHED + version);
        deleteRecursively(unfinished);
        Files.createDirectories(unfinished);
        writer.write(unfinished);
        Manifest.of(unfinished, version, bot, parent, created.toString(), refresh)
                .write(unfinished);
        try (Stream<Path> files = Files.list(unfinished)) {
            for (Path file : files.toList()) {
                force(file, StandardOpenOption.WRITE);
            }
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        force(root.resolve(bot), StandardOpenOption.READ);
        return target;
    }

    private static void force(Path path, StandardOpenOption option) throws IOException {
        try (FileChannel channel = FileChannel.open(path, option)) {
            channel.force(true);
        }
    }

    private static void deleteRecursively(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
