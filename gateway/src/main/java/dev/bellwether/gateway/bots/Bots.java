package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The bots of {@code bots.yaml}; unknown settings are refused. */
public record Bots(Map<String, Bot> bots) {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    /** A bot: the version it starts from and how it is served. */
    public record Bot(String champion, BotConfig chat) {}

    /** The file as it stands; {@code rollout} and {@code refresh} belong to other services. */
    private record File(
            @JsonProperty(required = true) @Nullable Map<String, @Nullable Sections> bots) {}

    private record Sections(
            @JsonProperty(required = true) @Nullable String champion,
            @Nullable BotConfig chat,
            @Nullable JsonNode rollout,
            @Nullable JsonNode refresh) {}

    public Bots {
        bots = Map.copyOf(bots);
    }

    public static Bots parse(String text) throws IOException {
        Map<String, @Nullable Sections> read = YAML.readValue(text, File.class).bots();
        if (read == null || read.isEmpty()) {
            throw new IOException("`bots:` names no bot");
        }
        Map<String, Bot> bots = new TreeMap<>();
        for (Map.Entry<String, @Nullable Sections> entry : read.entrySet()) {
            String name = entry.getKey();
            Sections sections = entry.getValue();
            if (sections == null
                    || sections.champion() == null
                    || sections.champion().isBlank()) {
                throw new IOException("the bot '%s' needs a `champion`: the version it starts from".formatted(name));
            }
            BotConfig chat = sections.chat();
            bots.put(
                    name,
                    new Bot(
                            sections.champion(),
                            chat == null ? BotConfig.of(null, null, null, null, null, null, null, null) : chat));
        }
        return new Bots(bots);
    }

    public Optional<Bot> find(String name) {
        return Optional.ofNullable(bots.get(name));
    }
}
