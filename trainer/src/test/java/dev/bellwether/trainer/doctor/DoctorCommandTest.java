package dev.bellwether.trainer.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorCommandTest {
    private static String said(String... arguments) {
        StringWriter out = new StringWriter();
        int status = new CommandLine(new DoctorCommand(Optional.of("..")))
                .setOut(new PrintWriter(out))
                .execute(arguments);
        assertThat(status).isZero();
        return out.toString();
    }

    @Test
    void saysWhatComputesAndWhyTheRestDoesNot() throws IOException {
        JsonNode found = new ObjectMapper().readTree(said("--json"));
        assertThat(found.path("processors").asInt()).isPositive();
        assertThat(found.path("memory_bytes").asLong()).isPositive();
        assertThat(found.path("libraries").findValuesAsText("name"))
                .containsExactly("ONNX Runtime", "PyTorch", "Hugging Face tokenizers");
        assertThat(found.path("libraries").findValuesAsText("version")).allMatch(version -> version.matches("\\d.*"));
        assertThat(found.path("devices").findValuesAsText("name")).containsExactly("cpu", "cuda");
        assertThat(found.path("devices").findValuesAsText("why")).noneMatch(String::isBlank);
        String matrices = System.getProperty("os.arch").equals("amd64") ? "MKL" : "OpenBLAS";
        assertThat(said())
                .contains("matrices by " + matrices)
                .contains("ONNX Runtime")
                .contains("cuda   not used");
    }
}
