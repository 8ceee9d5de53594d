package dev.bellwether.standalone;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a gateway says that its models need of memory. */
record ModelMemory(long bytesMax, List<Version> versions) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A loaded version and what it takes with all its conversations full. */
    record Version(String bot, String version, long bytes) {}

    static ModelMemory read(URI operatorUrl) {
        try (InputStream answer = operatorUrl.resolve("/readyz").toURL().openStream()) {
            JsonNode memory = JSON.readTree(answer).path("model_memory");
            List<Version> versions = new ArrayList<>();
            memory.path("versions")
                    .forEach(each -> versions.add(new Version(
                            each.path("bot").asText(),
                            each.path("version").asText(),
                            each.path("bytes").asLong())));
            return new ModelMemory(memory.path("bytes_max").asLong(), versions);
        } catch (IOException e) {
            throw new UncheckedIOException("the gateway does not say what its models need", e);
        }
    }

    /** One line for people. */
    String text() {
        List<String> each = versions.stream()
                .map(version -> "%s %s %s".formatted(version.bot(), version.version(), size(version.bytes())))
                .toList();
        return "models need %s of the %s that they may take%s; an A/B test needs its bot's share once more"
                .formatted(
                        size(versions.stream().mapToLong(Version::bytes).sum()),
                        size(bytesMax),
                        each.isEmpty() ? "" : " (" + String.join(", ", each) + ")");
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%.1f GB", bytes / (double) (1L << 30));
    }
}
