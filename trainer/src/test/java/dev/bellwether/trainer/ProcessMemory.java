package dev.bellwether.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;

/** What this process holds after a forced collection: native pointers, resident memory, descriptors. */
public record ProcessMemory(long pointers, long residentBytes, long descriptors) {
    private static final long SLACK_BYTES = 48L << 20;

    public static ProcessMemory now() throws IOException {
        System.gc();
        long resident = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS"))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return new ProcessMemory(Pointer.totalCount(), resident, files.count());
        }
    }

    /**
     * No descriptor more than {@code before}, and resident memory but for what an allocator keeps.
     *
     * @param pointersMore that may have come since
     */
    public void assertLevelSince(ProcessMemory before, int pointersMore) {
        assertThat(pointers).isLessThanOrEqualTo(before.pointers + pointersMore);
        assertThat(descriptors).isLessThanOrEqualTo(before.descriptors);
        assertThat(residentBytes).isLessThan(before.residentBytes + SLACK_BYTES);
    }
}
