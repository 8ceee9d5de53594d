package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.simulation.benchmark.SoakCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The soaks in their shortest form. */
class SoakIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();

    @Test
    void staysLevelUnderChangesOfVersionAndReadersWhoLeave() {
        soak("serving");
    }

    @Test
    void losesNoJudgementWhileEverythingDiesInTurn() {
        soak("feedback");
    }

    private static void soak(String part) {
        StringWriter out = new StringWriter();
        int status = new CommandLine(new SoakCommand(Map.of("BELLWETHER_HOME", HOME.toString())))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(part, "--minutes", "1");
        assertThat(status).as(out.toString()).isZero();
    }
}
