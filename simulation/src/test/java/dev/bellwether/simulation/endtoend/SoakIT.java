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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The soaks in their shortest form: what they promise is kept; how long anything took is not asked. */
class SoakIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();

    @TempDir
    private Path folder;

    @Test
    void staysLevelUnderChangesOfVersionAndReadersWhoLeave() throws IOException {
        soak("serving");
    }

    @Test
    void losesNoJudgementWhileEverythingDiesInTurn() throws IOException {
        soak("feedback");
    }

    private void soak(String part) throws IOException {
        StringWriter out = new StringWriter();
        Path json = folder.resolve("figures.json");
        new CommandLine(new SoakCommand(Map.of("BELLWETHER_HOME", HOME.toString())))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(part, "--minutes", "1", "--json", json.toString());
        JsonNode figures = new ObjectMapper().readTree(json.toFile()).path("figures");
        assertThat(figures).as(out.toString()).isNotEmpty();
        for (JsonNode figure : figures) {
            boolean duration = figure.path("unit").asText().equals("ms");
            assertThat(duration || figure.path("met").asBoolean(true))
                    .as(figure + "\n" + out)
                    .isTrue();
        }
    }
}
