package dev.bellwether.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.trainer.version.VersionCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VersionsTest {
    @TempDir
    private Path data = Path.of("");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... words) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        List<String> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--data", data.toString()));
        return Trainer.commandLine(new VersionCommand())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }

    private int add(String version, String... more) {
        List<String> words = new ArrayList<>(
                List.of("add", "desk", version, "--upstream", "https://192.0.2.1/v1", "--model", "large"));
        words.addAll(List.of(more));
        return run(words.toArray(String[]::new));
    }

    @Test
    void addsAnUpstreamWithAllThatItSays() throws IOException {
        Path examples = Files.writeString(data.resolve("examples.json"), "[{\"role\": \"user\", \"content\": \"Hi\"}]");
        Path system = Files.writeString(data.resolve("system.txt"), "Be kind.");
        assertThat(add(
                        "v1",
                        "--key-env",
                        "SOME_KEY",
                        "--key-header",
                        "api-key",
                        "--system",
                        "@" + system,
                        "--few-shot",
                        examples.toString(),
                        "--sampling",
                        "temperature=0.2",
                        "--sampling",
                        "response_format={\"type\":\"json_object\"}",
                        "--limit",
                        "first_token=PT3S",
                        "--limit",
                        "per_second=5"))
                .as(err.toString())
                .isZero();
        UpstreamConfig config = new PolicyStore(data.resolve("store")).openUpstream("desk", "v1");
        assertThat(config.key()).isEqualTo(new UpstreamConfig.Key("SOME_KEY", null, "api-key"));
        assertThat(config.system()).isEqualTo("Be kind.");
        assertThat(config.fewShot()).containsExactly(new UpstreamConfig.Example("user", "Hi"));
        assertThat(config.sampling().path("temperature").asDouble()).isEqualTo(.2);
        assertThat(config.sampling().at("/response_format/type").asText()).isEqualTo("json_object");
        assertThat(config.limits().firstToken()).hasSeconds(3);
        assertThat(config.limits().perSecond()).isEqualTo(5);
        assertThat(run("show", "desk", "v1")).isZero();
        assertThat(out.toString()).contains("\"upstream\"", "SOME_KEY", "192.0.2.1");
        assertThat(run("list", "desk")).isZero();
        assertThat(out.toString()).contains("v1").contains("upstream");
        assertThat(add("v1")).isEqualTo(2);
        assertThat(err.toString()).contains("already");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --upstream ftp://192.0.2.1 --model m                            | not an http
            --upstream https://me:secret@192.0.2.1/v1 --model m             | do not belong
            --upstream http://127.0.0.1:9/v1 --model m                      | --private
            --upstream https://192.0.2.1/v1 --model m --limit retries=99    | 0 to 10
            --upstream https://192.0.2.1/v1 --model m --limit haste=PT1S    | haste
            --upstream https://192.0.2.1/v1 --model m --limit reply=soon    | soon
            --upstream https://192.0.2.1/v1 --model m --sampling n=3        | set for each request
            --upstream https://192.0.2.1/v1                                 | --model
            --model m                                                       | --upstream
            --checkpoint /nowhere --upstream https://192.0.2.1/v1 --model m | mutually exclusive
            """)
    void saysWhatIsWrongBeforeAnythingIsWritten(String words, String message) {
        List<String> all = new ArrayList<>(List.of("add", "desk", "v1"));
        all.addAll(List.of(words.split(" ", -1)));
        assertThat(run(all.toArray(String[]::new))).isEqualTo(2);
        assertThat(err.toString()).contains(message).doesNotContain("secret@");
        assertThat(data.resolve("store/desk/v1")).doesNotExist();
    }

    @Test
    void removesWhatNothingUses() throws IOException {
        Files.createDirectories(data.resolve("config"));
        Files.writeString(
                data.resolve("config/bots.yaml"),
                "bots: {desk: {champion: v1, serving: {fallbacks: [v2]}}, other: {champion: v3}}\n");
        for (String version : List.of("v1", "v2", "v3")) {
            assertThat(add(version)).isZero();
        }
        assertThat(run("remove", "desk", "v1")).isEqualTo(1);
        assertThat(err.toString()).contains("champion");
        assertThat(run("remove", "desk", "v2")).isEqualTo(1);
        assertThat(err.toString()).contains("fallback");
        assertThat(run("remove", "desk", "v3")).isZero();
        assertThat(data.resolve("store/desk/v3")).doesNotExist();
        assertThat(run("remove", "desk", "v3")).isEqualTo(1);
        assertThat(run("list", "desk", "--json")).isZero();
        assertThat(out.toString()).contains("\"v1\"", "\"v2\"").doesNotContain("\"v3\"");
    }
}
