package dev.bellwether.standalone;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A service as a program to run, known by its module's name and its main class's name only.
 *
 * @param heap the largest heap, as {@code 1g}
 */
record ServiceProgram(String name, String mainClass, String heap, List<String> arguments) {
    static final ServiceProgram GATEWAY =
            new ServiceProgram("gateway", "dev.bellwether.gateway.Gateway", "1g", List.of());
    static final ServiceProgram FEEDBACK_STREAM =
            new ServiceProgram("feedback-stream", "dev.bellwether.stream.FeedbackStream", "512m", List.of());
    static final ServiceProgram TRAINER =
            new ServiceProgram("trainer", "dev.bellwether.trainer.Trainer", "2g", List.of("serve"));

    private static final List<String> FLAGS =
            List.of("-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");

    /** The JVM to start, from the build's outputs under the project's folder or from the jars of an image. */
    JavaCommand command(Path home) {
        List<String> flags =
                Stream.concat(Stream.of("-Xmx" + heap), FLAGS.stream()).toList();
        return new JavaCommand(flags, classPath(home.toAbsolutePath().resolve(name)), mainClass, arguments);
    }

    private String classPath(Path module) {
        Path jars = module.resolve("lib");
        if (Files.isDirectory(jars)) {
            return jars.resolve("*").toString();
        }
        Path dependencies = module.resolve("target").resolve("classpath");
        Path classes = module.resolve("target").resolve("classes");
        for (Path needed : List.of(dependencies, classes)) {
            if (!Files.exists(needed)) {
                throw new StandaloneException(
                        "not_built",
                        ("%s is not built: %s is missing. "
                                        + "Run `./bellwether build`, or set BELLWETHER_HOME to a folder that is built.")
                                .formatted(name, needed));
            }
        }
        try {
            return classes + File.pathSeparator + Files.readString(dependencies).strip();
        } catch (IOException failure) {
            throw new UncheckedIOException("Cannot read " + dependencies, failure);
        }
    }
}
