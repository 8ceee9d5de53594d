package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;

/** A settings file in YAML; what its type does not know is refused by name. */
public final class SettingsFile {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private SettingsFile() {}

    public static <T> T read(String text, Class<T> type) throws IOException {
        return YAML.readValue(text, type);
    }
}
