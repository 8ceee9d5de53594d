package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.simulation.benchmark.SoakCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The soaks in their shortest form, both at once, which makes it no easier for either: what they promise is kept; how long
 * anything took is not asked.
 */
class SoakIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();

    @TempDir
    private Path folder;

    @Test
    void staysLevelUnderChangesOfVersionAndLosesNoJudgementWhileEverythingDiesInTurn() throws IOException {
        CompletableFuture<String> serving = CompletableFuture.supplyAsync(() -> soak("serving"));
        CompletableFuture<String> feedback = CompletableFuture.supplyAsync(() -> soak("feedback"));
        check("serving", serving.join());
        check("feedback", feedback.join());
    }

    /** Gives what it printed. */
    private String soak(String part) {
        StringWriter out = new StringWriter();
        new CommandLine(new SoakCommand(Map.of("BELLWETHER_HOME", HOME.toString())))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(part, "--minutes", "1", "--json", json(part).toString());
        return out.toString();
    }

    private Path json(String part) {
        return folder.resolve(part + ".json");
    }

    private void check(String part, String said) throws IOException {
        JsonNode figures = new ObjectMapper().readTree(json(part).toFile()).path("figures");
        assertThat(figures).as(said).isNotEmpty();
        for (JsonNode figure : figures) {
            boolean duration = figure.path("unit").asText().equals("ms");
            assertThat(duration || figure.path("met").asBoolean(true))
                    .as(figure + "\n" + said)
                    .isTrue();
        }
    }
}
