package dev.bellwether.gateway.bots;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;

/** A settings file in YAML; what its type does not know is refused by name. */
public final class SettingsFile {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private SettingsFile() {}

    public static <T> T read(String text, Class<T> type) throws IOException {
        return YAML.readValue(text, type);
    }

    /** The same of a file whose contents no message may quote. */
    public static <T> T readSecret(String text, Class<T> type) throws IOException {
        try {
            return YAML.readValue(text, type);
        } catch (UnrecognizedPropertyException e) {
            throw new IOException(
                    "unknown is '%s'; known are %s".formatted(e.getPropertyName(), e.getKnownPropertyIds()));
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " at line %d, column %d"
                            .formatted(
                                    e.getLocation().getLineNr(), e.getLocation().getColumnNr());
            throw new IOException("it is not as it should be%s".formatted(where));
        }
    }
}
