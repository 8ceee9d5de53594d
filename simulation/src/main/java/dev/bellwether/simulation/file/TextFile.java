package dev.bellwether.simulation.file;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A text file that a person names.
 *
 * @param wanted what it is to be, as {@code "a YAML file with a taste"}
 */
public record TextFile(Path path, String wanted) {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /**
     * Its text, without a byte order mark.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    public String read() throws IOException {
        if (!Files.exists(path)) {
            throw new IOException("%s does not exist; give %s".formatted(path, wanted));
        }
        if (Files.isDirectory(path)) {
            throw new IOException("%s is a folder; give %s".formatted(path, wanted));
        }
        try {
            String text = Files.readString(path);
            return text.startsWith(BYTE_ORDER_MARK) ? text.substring(BYTE_ORDER_MARK.length()) : text;
        } catch (CharacterCodingException e) {
            throw new IOException("%s is not UTF-8; save it as UTF-8, or give another file".formatted(path), e);
        } catch (AccessDeniedException e) {
            throw new IOException("%s may not be read; change its permissions".formatted(path), e);
        }
    }
}
