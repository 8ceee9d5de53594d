package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code train refresh} as a process, which can be killed. */
final class RefreshProcess {
    private final Path directory;
    private final List<String> arguments;

    /**
     * @param directory with the policy store in {@code store}
     * @param snapshot folder of the snapshot, in the directory
     * @param out folder of the refresh, in the directory
     */
    RefreshProcess(Path directory, String snapshot, String out, String version) {
        this.directory = directory;
        this.arguments = List.of(
                "--snapshot", snapshot, "--out", out, "--store", "store", "--version", version, "--bots", "bots.yaml");
    }

    /** Starts it with these settings of the bot's refresh, in YAML. */
    Process start(String settings) throws IOException {
        Files.writeString(directory.resolve("bots.yaml"), """
                bots:
                  support:
                    champion: default
                    refresh: %s
                """.formatted(settings));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx2g",
                Trainer.class.getName(),
                "refresh"));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        return builder.directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log.txt").toFile())
                .start();
    }

    /** What the process that was started last has said. */
    String said() throws IOException {
        return Files.readString(directory.resolve("log.txt"));
    }
}
