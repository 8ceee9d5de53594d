package dev.bellwether.standalone;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A child JVM, run by the same Java as this one.
 *
 * <p>The class path goes by the environment: ONNX Runtime ends a process whose command line is longer than 4 096 bytes.
 */
record JavaCommand(List<String> flags, String classPath, String mainClass, List<String> arguments) {
    static final String OWN_CLASS_PATH = System.getProperty("java.class.path");

    List<String> words() {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return Stream.of(List.of(java), flags, List.of(mainClass), arguments)
                .flatMap(List::stream)
                .toList();
    }

    /** What {@link #words} needs in its environment. */
    Map<String, String> environment() {
        return Map.of("CLASSPATH", classPath);
    }
}
