package dev.bellwether.trainer.external;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * One run of a command: a folder of what it is given, of what it makes and of what it says. It is locked as long as its
 * trainer lives, and each has its own: what was started before and still runs writes elsewhere.
 */
final class Attempt implements AutoCloseable {
    private static final String NAME = "attempt-";
    private static final String IN = "in";
    private static final String OUT = "out";

    private final Path folder;
    private final FileChannel lock;

    private Attempt(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /** The next one in {@code directory}. */
    static Attempt begin(Path directory) throws IOException {
        Files.createDirectories(directory);
        for (int number = 1; ; number++) {
            Path folder = directory.resolve(NAME + number);
            try {
                Files.createDirectory(folder);
            } catch (FileAlreadyExistsException e) {
                continue;
            }
            FileChannel lock = channel(folder);
            lock.lock();
            Files.createDirectory(folder.resolve(IN));
            Files.createDirectory(folder.resolve(OUT));
            return new Attempt(folder, lock);
        }
    }

    private static FileChannel channel(Path folder) throws IOException {
        return FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** What the paths of all attempts in {@code directory} begin with. */
    static String prefix(Path directory) {
        return directory.resolve(NAME).toAbsolutePath().toString();
    }

    Path in() {
        return folder.resolve(IN).toAbsolutePath();
    }

    Path out() {
        return folder.resolve(OUT).toAbsolutePath();
    }

    Path log() {
        return folder.resolve("log.txt");
    }

    /** Deletes what the command was given. */
    @Override
    public void close() throws IOException {
        try (lock) {
            delete(in());
        }
    }

    /** Deletes what commands in {@code directory} were given whose trainers do not live any more. */
    static void deleteInputs(Path directory) throws IOException {
        // As it was before attempts had folders.
        delete(directory.resolve(IN));
        for (Path folder : all(directory)) {
            if (Files.exists(folder.resolve(IN))) {
                try (FileChannel channel = channel(folder);
                        FileLock lock = channel.tryLock()) {
                    if (lock != null) {
                        delete(folder.resolve(IN));
                    }
                } catch (OverlappingFileLockException e) {
                    // This process is its trainer.
                }
            }
        }
    }

    /** Deletes everything in {@code directory} but what commands said. */
    static void deleteAll(Path directory) throws IOException {
        for (Path folder : all(directory)) {
            delete(folder.resolve(IN));
            delete(folder.resolve(OUT));
        }
    }

    private static List<Path> all(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> folders = Files.list(directory)) {
            return folders.filter(folder -> String.valueOf(folder.getFileName()).startsWith(NAME))
                    .toList();
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        List<Path> all;
        try (Stream<Path> files = Files.walk(folder)) {
            all = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.delete(path);
        }
    }
}
