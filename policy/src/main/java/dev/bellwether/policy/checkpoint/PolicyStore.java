package dev.bellwether.policy.checkpoint;

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
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The versions of every bot's policy: {@code root/bot/version/}, never changed once there. */
public final class PolicyStore {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyStore.class);
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

    /** The manifest of an artefact, as it stands there; its files are not looked at. */
    public Manifest manifest(String bot, String version) {
        Path directory = path(bot, version);
        if (!Files.isDirectory(directory)) {
            throw new UnsupportedCheckpointException(
                    "version %s of bot %s is not in the store".formatted(version, bot));
        }
        return Manifest.read(directory);
    }

    /** The names of a bot's artefacts, of all kinds, sorted. */
    public List<String> names(String bot) throws IOException {
        return names(Objects.requireNonNull(path(bot, "any").getParent()));
    }

    /** Bots that have artefacts, sorted. */
    public List<String> bots() throws IOException {
        return names(root);
    }

    private static List<String> names(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory)
                    .map(entry -> String.valueOf(entry.getFileName()))
                    .filter(name -> name.matches(NAME))
                    .sorted()
                    .toList();
        }
    }

    /** What there is of a bot, sorted by name; the files are not looked at. */
    public List<StoredVersion> list(String bot) throws IOException {
        List<StoredVersion> versions = new ArrayList<>();
        for (String name : names(bot)) {
            try {
                versions.add(StoredVersion.of(manifest(bot, name), name));
            } catch (UnsupportedCheckpointException e) {
                versions.add(StoredVersion.damaged(name, String.valueOf(e.getMessage())));
            }
        }
        return versions;
    }

    /**
     * Opens a version's weights after checking it against its manifest; where these are adapters, with those of its base,
     * which is checked too.
     */
    public Checkpoint open(String bot, String version) {
        if (manifest(bot, version).artefactKind() != ArtefactKind.ADAPTER) {
            return Checkpoint.open(verified(bot, version, ArtefactKind.CHECKPOINT));
        }
        Path adapters = verified(bot, version, ArtefactKind.ADAPTER);
        Manifest manifest = manifest(bot, version);
        Manifest.Base base = manifest.base();
        if (base == null || !contains(bot, base.version())) {
            throw new UnsupportedCheckpointException(
                    "version %s of bot %s holds adapters of version %s, which is not there"
                            .formatted(version, bot, base == null ? "?" : base.version()));
        }
        Path weights = verified(bot, base.version(), ArtefactKind.CHECKPOINT);
        try {
            if (!manifest.goesWith(weights)) {
                throw new UnsupportedCheckpointException(
                        "version %s of bot %s holds adapters of another version %s than the one that is there"
                                .formatted(version, bot, base.version()));
            }
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(weights, e);
        }
        return Checkpoint.adapted(adapters, weights);
    }

    /** The bot's versions that hold adapters of {@code version}; those whose manifests cannot be read are passed over. */
    public List<String> adaptersOf(String bot, String version) throws IOException {
        List<String> adapters = new ArrayList<>();
        for (String name : names(bot)) {
            try {
                Manifest.Base base = manifest(bot, name).base();
                if (base != null && base.version().equals(version)) {
                    adapters.add(name);
                }
            } catch (UnsupportedCheckpointException e) {
                LOG.warn("{} of {} is passed over: {}", name, bot, e.getMessage());
            }
        }
        return adapters;
    }

    /** Opens a reward model's weights after checking it against its manifest. */
    public Checkpoint openReward(String bot, String name) {
        return Checkpoint.open(verified(bot, name, ArtefactKind.REWARD));
    }

    /** Reads the description of an upstream after checking it against its manifest. */
    public UpstreamConfig openUpstream(String bot, String version) {
        return UpstreamConfig.read(verified(bot, version, ArtefactKind.UPSTREAM));
    }

    private Path verified(String bot, String version, ArtefactKind wanted) {
        Manifest manifest = manifest(bot, version);
        if (manifest.artefactKind() != wanted) {
            throw new UnsupportedCheckpointException("version %s of bot %s is of the kind %s, not %s"
                    .formatted(version, bot, lower(manifest.artefactKind()), lower(wanted)));
        }
        if (!manifest.bot().equals(bot) || !manifest.version().equals(version)) {
            throw new UnsupportedCheckpointException("version %s of bot %s has the manifest of version %s of bot %s"
                    .formatted(version, bot, manifest.version(), manifest.bot()));
        }
        Path directory = path(bot, version);
        manifest.verify(directory);
        return directory;
    }

    private static String lower(ArtefactKind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    /** The reward model of a bot that was made last, if it has one; one whose manifest cannot be read is passed over. */
    public Optional<String> newestReward(String bot) throws IOException {
        Optional<Manifest> newest = Optional.empty();
        for (String name : names(bot)) {
            try {
                Manifest manifest = manifest(bot, name);
                if (manifest.artefactKind() == ArtefactKind.REWARD
                        && (newest.isEmpty()
                                || Instant.parse(manifest.created())
                                        .isAfter(Instant.parse(newest.get().created())))) {
                    newest = Optional.of(manifest);
                }
            } catch (UnsupportedCheckpointException | DateTimeParseException e) {
                LOG.warn("{} of {} is passed over: {}", name, bot, e.getMessage());
            }
        }
        return newest.map(Manifest::version);
    }

    /** Takes an artefact out of the store; false where it was not there. */
    public boolean remove(String bot, String version) throws IOException {
        Path directory = path(bot, version);
        if (!Files.isDirectory(directory)) {
            return false;
        }
        Path leaving = directory.resolveSibling(UNFINISHED + version);
        deleteRecursively(leaving);
        Files.move(directory, leaving, StandardCopyOption.ATOMIC_MOVE);
        deleteRecursively(leaving);
        return true;
    }

    /**
     * Publishes a version: written under another name, forced to disk, renamed. A version that is there already is left
     * as it is, so publishing again after a crash changes nothing.
     */
    public Path publish(ArtefactLabel label, Writer writer) throws IOException {
        Path target = path(label.bot(), label.version());
        if (Files.isDirectory(target)) {
            return target;
        }
        Path unfinished = target.resolveSibling(UNFINISHED + label.version());
        deleteRecursively(unfinished);
        Files.createDirectories(unfinished);
        writer.write(unfinished);
        Manifest.of(unfinished, label).write(unfinished);
        try (Stream<Path> files = Files.list(unfinished)) {
            for (Path file : files.toList()) {
                force(file, StandardOpenOption.WRITE);
            }
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        force(root.resolve(label.bot()), StandardOpenOption.READ);
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
