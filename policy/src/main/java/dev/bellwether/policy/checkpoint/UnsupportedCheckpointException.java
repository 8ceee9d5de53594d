package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A checkpoint that is broken, or that asks for something Bellwether does not support; the message names it. */
public final class UnsupportedCheckpointException extends RuntimeException {
    public UnsupportedCheckpointException(String message) {
        super(message);
    }

    public UnsupportedCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }

    /** About a file of an artefact; says what is wrong with it in words. */
    public static UnsupportedCheckpointException unreadable(Path file, IOException cause) {
        String why = switch (cause) {
            case NoSuchFileException _ -> "it is missing";
            case AccessDeniedException _ -> "its permissions forbid it";
            case JsonProcessingException json -> json.getOriginalMessage();
            default -> String.valueOf(cause.getMessage());
        };
        return new UnsupportedCheckpointException("%s cannot be read: %s".formatted(file, why), cause);
    }
}
