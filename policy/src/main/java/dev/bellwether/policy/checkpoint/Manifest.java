package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code manifest.json} of a policy artefact: where it comes from, and the hash of each of its files.
 *
 * @param kind what the artefact is; left out for a checkpoint
 * @param parent the version it was trained from; none for an imported one
 * @param base whose weights adapters go with; none for anything else
 * @param created ISO 8601 instant
 * @param refresh what the refresh that made it reported; none for an imported one
 * @param scale of a reward model's scores; none for what serves
 * @param files SHA-256 in hexadecimal by file name, every file of the directory but the manifest itself
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Manifest(
        String version,
        String bot,
        @Nullable ArtefactKind kind,
        @Nullable String parent,
        @Nullable Base base,
        String created,
        @Nullable JsonNode refresh,
        @Nullable RewardScale scale,
        Map<String, String> files) {
    public static final String FILE = "manifest.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * The version that adapters go with.
     *
     * @param sha256 of its manifest, which holds the hashes of all its files
     */
    public record Base(String version, String sha256) {}

    /** A manifest over the files that lie in {@code directory} now. */
    static Manifest of(Path directory, ArtefactLabel label) throws IOException {
        return new Manifest(
                label.version(),
                label.bot(),
                label.kind() == ArtefactKind.CHECKPOINT ? null : label.kind(),
                label.parent(),
                label.base() == null ? null : base(directory.resolveSibling(label.base())),
                label.created().toString(),
                label.refresh(),
                label.scale(),
                hashes(directory));
    }

    private static Base base(Path directory) throws IOException {
        return new Base(String.valueOf(directory.getFileName()), sha256(directory.resolve(FILE)));
    }

    /** Whether the version in {@code directory} is the one that was the base when this was written. */
    boolean goesWith(Path directory) throws IOException {
        return base != null && base(directory).equals(base);
    }

    /** What the artefact is. */
    public ArtefactKind artefactKind() {
        return kind == null ? ArtefactKind.CHECKPOINT : kind;
    }

    public static Manifest read(Path directory) {
        try {
            @Nullable Manifest manifest = JSON.readValue(directory.resolve(FILE).toFile(), Manifest.class);
            // Jackson leaves null what the file leaves out.
            if (manifest == null || !manifest.whole()) {
                throw new UnsupportedCheckpointException("%s needs version, bot, created and files with their hashes"
                        .formatted(directory.resolve(FILE)));
            }
            return manifest;
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(directory.resolve(FILE), e);
        }
    }

    private boolean whole() {
        List<@Nullable Object> needed = Arrays.asList(version, bot, created, files);
        return !needed.contains(null) && !files.containsValue(null);
    }

    void write(Path directory) throws IOException {
        Files.writeString(
                directory.resolve(FILE), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
    }

    /**
     * Compares the directory with the manifest.
     *
     * @throws UnsupportedCheckpointException naming the file that is missing, too many, a link, or not what it was
     */
    public void verify(Path directory) {
        Map<String, String> actual;
        try {
            actual = hashes(directory);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(directory, e);
        }
        files.forEach((name, hash) -> {
            if (!actual.containsKey(name)) {
                throw new UnsupportedCheckpointException("%s: file %s is missing".formatted(version, name));
            }
            if (!hash.equals(actual.get(name))) {
                throw new UnsupportedCheckpointException(
                        "%s: file %s has another SHA-256 than its manifest says".formatted(version, name));
            }
        });
        actual.keySet().forEach(name -> {
            if (!files.containsKey(name)) {
                throw new UnsupportedCheckpointException("%s: file %s is not in the manifest".formatted(version, name));
            }
        });
    }

    private static Map<String, String> hashes(Path directory) throws IOException {
        List<Path> entries;
        try (Stream<Path> listing = Files.list(directory)) {
            entries = listing.toList();
        }
        Map<String, String> hashes = new TreeMap<>();
        for (Path entry : entries) {
            String name = String.valueOf(entry.getFileName());
            if (!Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                throw new UnsupportedCheckpointException("%s: %s is not a plain file".formatted(directory, name));
            }
            if (!name.equals(FILE)) {
                hashes.put(name, sha256(entry));
            }
        }
        return hashes;
    }

    private static String sha256(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                in.transferTo(OutputStream.nullOutputStream());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
