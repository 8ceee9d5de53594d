package dev.bellwether.trainer.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DoctorCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private static String said(String... arguments) {
        StringWriter out = new StringWriter();
        int status = new CommandLine(new DoctorCommand(Optional.of("..")))
                .setOut(new PrintWriter(out))
                .execute(arguments);
        assertThat(status).isZero();
        return out.toString();
    }

    /** As on a machine that lacks what libtorch needs: here its natives are not on the class path. */
    @Test
    void saysWhatCannotBeLoadedAndGoesOn() throws IOException, InterruptedException {
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.matches(".*pytorch-[^/]*-linux-.*"))
                .collect(Collectors.joining(File.pathSeparator));
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dorg.bytedeco.javacpp.cachedir=" + directory,
                        "dev.bellwether.trainer.Doctor",
                        "--json")
                .directory(new File(".."))
                .redirectError(directory.resolve("errors").toFile());
        builder.environment().put("CLASSPATH", classPath);
        builder.environment()
                .put("BELLWETHER_HOME", Path.of("..").toAbsolutePath().toString());
        Process doctor = builder.start();
        JsonNode found = new ObjectMapper().readTree(doctor.getInputStream());
        assertThat(doctor.waitFor()).isZero();
        JsonNode pytorch = found.path("libraries").path(1);
        assertThat(pytorch.path("name").asText()).isEqualTo("PyTorch");
        assertThat(pytorch.path("use").asText())
                .startsWith("not used: it cannot be loaded: ")
                .contains("torch");
        assertThat(found.path("devices").path(0).path("why").asText()).isEqualTo("serving, in float32");
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
