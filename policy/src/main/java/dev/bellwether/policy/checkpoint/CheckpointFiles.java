package dev.bellwether.policy.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** The files of a checkpoint's folder that go with a version; links are followed. */
public final class CheckpointFiles {
    private static final String TOKENIZER = "tokenizer.json";

    /** What lays prompts out and says how replies end. */
    private static final List<String> ABOUT_TEXT = List.of(
            "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json", "generation_config.json");

    private CheckpointFiles() {}

    /** Copies what turns texts into tokens and back: to weights that were trained from these. */
    public static void copyTokenizer(Path from, Path to) throws IOException {
        copy(from, to, TOKENIZER);
        for (String name : ABOUT_TEXT) {
            if (Files.exists(from.resolve(name))) {
                copy(from, to, name);
            }
        }
    }

    /** Copies what says of which shape the weights are. */
    public static void copyConfig(Path from, Path to) throws IOException {
        copy(from, to, ConfigFile.NAME);
    }

    /** Copies all that is served and trained from, as it is. */
    public static void copyAll(Path from, Path to) throws IOException {
        copyTokenizer(from, to);
        copyConfig(from, to);
        List<Path> weights = WeightFiles.of(from);
        for (Path file : weights) {
            copy(from, to, String.valueOf(file.getFileName()));
        }
        if (!Files.exists(from.resolve(WeightFiles.SINGLE))) {
            copy(from, to, WeightFiles.INDEX);
        }
    }

    private static void copy(Path from, Path to, String name) throws IOException {
        try {
            // A cache's files may be read-only, and links into it.
            Path target = to.resolve(name);
            Files.copy(from.resolve(name), target, StandardCopyOption.REPLACE_EXISTING);
            target.toFile().setWritable(true, true);
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(from.resolve(name), e);
        }
    }
}
