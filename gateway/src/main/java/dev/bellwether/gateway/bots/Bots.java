package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.gateway.privacy.Masking;
import dev.bellwether.settings.Champion;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The bots of {@code bots.yaml}; unknown settings are refused. */
public record Bots(Map<String, Bot> bots) {

    /** A bot: the version it starts from, how it is served, and what is masked in what is recorded. */
    public record Bot(String champion, BotConfig chat, ServingConfig serving, Masking privacy) {}

    /** The file as it stands; {@code rollout} and {@code refresh} belong to other services. */
    private record File(
            @JsonProperty(required = true) @Nullable Map<String, @Nullable Sections> bots) {}

    private record Sections(
            @JsonProperty(required = true) @Nullable String champion,
            @Nullable BotConfig chat,
            @Nullable ServingConfig serving,
            @Nullable Masking privacy,
            @Nullable JsonNode rollout,
            @Nullable JsonNode refresh) {
        private static final Sections NONE = new Sections(null, null, null, null, null, null);
    }

    public Bots {
        bots = Map.copyOf(bots);
    }

    public static Bots parse(String text) throws IOException {
        Map<String, @Nullable Sections> read =
                SettingsFile.read(text, File.class).bots();
        if (read == null || read.isEmpty()) {
            throw new IOException("`bots:` names no bot");
        }
        Map<String, Bot> bots = new TreeMap<>();
        for (Map.Entry<String, @Nullable Sections> entry : read.entrySet()) {
            String name = entry.getKey();
            Sections sections = Objects.requireNonNullElse(entry.getValue(), Sections.NONE);
            bots.put(
                    name,
                    new Bot(
                            Champion.of(name, sections.champion()),
                            Objects.requireNonNullElse(sections.chat(), BotConfig.DEFAULT),
                            Objects.requireNonNullElse(sections.serving(), ServingConfig.DEFAULT),
                            Objects.requireNonNullElse(sections.privacy(), Masking.DEFAULT)));
        }
        return new Bots(bots);
    }

    /** The origins of pages that any bot allows. */
    public Set<String> origins() {
        return bots.values().stream()
                .flatMap(bot -> bot.chat().origins().stream())
                .collect(Collectors.toUnmodifiableSet());
    }

    public Optional<Bot> find(String name) {
        return Optional.ofNullable(bots.get(name));
    }
}
