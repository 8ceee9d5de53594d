package dev.bellwether.trainer.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code doctor}: the machine, the libraries that compute, and which devices are used and why. */
@Command(name = "doctor", description = "Print devices, libraries and versions: what is used, and why the rest is not.")
public final class DoctorCommand implements Callable<Integer> {
    private static final ObjectMapper JSON =
            new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE);

    private final Path home;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /**
     * @param home the project's folder
     */
    public DoctorCommand(Optional<String> home) {
        this.home = Path.of(home.orElse("."));
    }

    @Override
    public Integer call() throws IOException {
        Findings found = Findings.of(home.resolve("default-policy/artefact/tokenizer.json"));
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(found));
            return 0;
        }
        out.printf("Java       %s%n", found.java());
        out.printf("system     %s%n", found.system());
        out.printf("processors %d%n", found.processors());
        out.printf("memory     %.1f GB%n%n", found.memoryBytes() / (double) (1 << 30));
        found.libraries()
                .forEach(library -> out.printf("%-24s %-10s %s%n", library.name(), library.version(), library.use()));
        out.println();
        found.devices()
                .forEach(device ->
                        out.printf("%-6s %-9s %s%n", device.name(), device.used() ? "used" : "not used", device.why()));
        return 0;
    }
}
