package dev.bellwether.simulation.taste;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.bellwether.simulation.file.TextFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** By category, the phrases of which an on-topic reply holds at least one. */
public final class Facts {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private final Map<String, List<String>> phrases;

    public Facts(Map<String, List<String>> phrases) {
        Map<String, List<String>> lower = new HashMap<>();
        phrases.forEach((category, facts) -> lower.put(
                category,
                facts.stream().map(fact -> fact.toLowerCase(Locale.ROOT)).toList()));
        this.phrases = Map.copyOf(lower);
    }

    /** Reads the lists {@code facts} of a YAML file of categories; what else it holds is passed over. */
    public static Facts read(Path file) throws IOException {
        String text = new TextFile(file, "a YAML file with the facts of each category").read();
        JsonNode yaml;
        try {
            yaml = YAML.readTree(text);
        } catch (IOException e) {
            throw new IOException("the facts in %s cannot be read: %s".formatted(file, e.getMessage()), e);
        }
        Map<String, List<String>> phrases = new HashMap<>();
        for (Map.Entry<String, JsonNode> category : yaml.properties()) {
            List<String> facts = new ArrayList<>();
            category.getValue().path("facts").forEach(fact -> facts.add(fact.asText()));
            phrases.put(category.getKey(), facts);
        }
        return new Facts(phrases);
    }

    public boolean knows(String category) {
        return phrases.containsKey(category);
    }

    /** Whether {@code reply} holds a fact of {@code category}, in capitals or small letters. */
    public boolean onTopic(String category, String reply) {
        String text = reply.toLowerCase(Locale.ROOT);
        return phrases.getOrDefault(category, List.of()).stream().anyMatch(text::contains);
    }
}
