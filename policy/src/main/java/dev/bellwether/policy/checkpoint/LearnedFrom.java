package dev.bellwether.policy.checkpoint;

import com.google.common.hash.BloomFilter;
import com.google.common.hash.Funnels;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose data an artefact learned from: {@code learned-from.bloom}, a Bloom filter over the hashes of users.
 *
 * <p>A filter answers for one whose hash is known and names nobody, so that a version's lineage holds nothing that would
 * have to be erased from it. One user in a million is named of whom nothing was learned.
 */
@SuppressWarnings("UnstableApiUsage")
public final class LearnedFrom {
    private static final Logger LOG = LoggerFactory.getLogger(LearnedFrom.class);
    private static final String FILE = "learned-from.bloom";
    private static final double WRONGLY_NAMED = 1e-6;

    private final BloomFilter<CharSequence> users;

    private LearnedFrom(BloomFilter<CharSequence> users) {
        this.users = users;
    }

    public static LearnedFrom users(Collection<String> hashes) {
        BloomFilter<CharSequence> filter = BloomFilter.create(
                Funnels.stringFunnel(StandardCharsets.UTF_8), Math.max(1, hashes.size()), WRONGLY_NAMED);
        hashes.forEach(filter::put);
        return new LearnedFrom(filter);
    }

    /** What an artefact's folder says; nobody where it says nothing. */
    public static LearnedFrom read(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        if (!Files.exists(file)) {
            return users(Set.of());
        }
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            return new LearnedFrom(BloomFilter.readFrom(in, Funnels.stringFunnel(StandardCharsets.UTF_8)));
        }
    }

    public void write(Path directory) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(directory.resolve(FILE)))) {
            users.writeTo(out);
        }
    }

    public boolean contains(String userHash) {
        return users.mightContain(userHash);
    }

    /**
     * The artefacts of a bot that learned from a user, and those that were trained from one that did, sorted; one that
     * cannot be read is not among them, but is where only this filter cannot.
     */
    public static List<String> versions(PolicyStore store, String bot, String userHash) throws IOException {
        List<Manifest> all = new ArrayList<>();
        Set<String> learned = new TreeSet<>();
        for (StoredVersion each : store.list(bot)) {
            if (each.why() == null) {
                Manifest manifest = store.manifest(bot, each.version());
                all.add(manifest);
                if (learned(store.path(bot, each.version()), userHash)) {
                    learned.add(each.version());
                }
            }
        }
        boolean grows = true;
        while (grows) {
            grows = all.stream()
                    .filter(each -> each.parent() != null && learned.contains(each.parent()))
                    .map(each -> learned.add(each.version()))
                    .reduce(false, Boolean::logicalOr);
        }
        return List.copyOf(learned);
    }

    /** What cannot be read may have. */
    private static boolean learned(Path directory, String userHash) {
        try {
            return read(directory).contains(userHash);
        } catch (IOException e) {
            LOG.warn("whose data {} learned from cannot be read: {}", directory, e.getMessage());
            return true;
        }
    }
}
