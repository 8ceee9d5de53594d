package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.standalone.DataFolder;
import dev.bellwether.standalone.LocalGateway;
import dev.bellwether.standalone.LocalKafka;
import dev.bellwether.standalone.LocalRedis;
import dev.bellwether.standalone.Ports;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * README and the guide to an existing bot, run line by line against a stand-in for the service: a gateway with the default
 * policy.
 */
class GuideIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern BLOCK =
            Pattern.compile("(?:<!-- file: (\\S+) -->\n)?```(\\w+)\n(.*?)```", Pattern.DOTALL);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final String SKIPPED = "not installed here: ";

    @TempDir
    private Path directory;

    @Test
    void theReadmeDoesWhatItSays() throws IOException, InterruptedException {
        assertThat(follow("README.md")).contains("version v1 of support in", "\"feedback_id\":");
    }

    @Test
    void theGuideDoesWhatItSays() throws IOException, InterruptedException {
        String output = follow("docs/guides/existing-bot.md");
        assertThat(output).contains("version v1 of support in", "version v2 of support in");
        Assumptions.assumeFalse(
                output.contains(SKIPPED), "a part of the guide was not run; its registry did not answer");
    }

    /** What the commands of a document print when they are run in their order. */
    private String follow(String document) throws IOException, InterruptedException {
        Path work = Files.createDirectories(directory.resolve("work"));
        try (LocalKafka kafka = LocalKafka.start(directory.resolve("kafka"));
                LocalRedis redis = LocalRedis.start(directory.resolve("redis"));
                DataFolder folder = DataFolder.open(directory.resolve("service"))) {
            folder.prepare(HOME, Optional.empty());
            try (LocalGateway service = LocalGateway.start(
                    new LocalGateway.Surroundings(HOME, folder, kafka.bootstrapServers(), redis.url()), List.of())) {
                return run(work, script(HOME.resolve(document), work, service.port(), folder.apiKey()));
            }
        }
    }

    /** The commands of a document in their order, its files written beside them. */
    private static Path script(Path document, Path work, int servicePort, String serviceKey) throws IOException {
        String port = Integer.toString(Ports.free());
        Map<String, String> standIns = Map.of(
                "https://api.openai.com/v1",
                "http://127.0.0.1:%d/v1".formatted(servicePort),
                "--model gpt-4o-mini",
                "--model support --private",
                "sk-...",
                serviceKey,
                "8080",
                port);
        Files.writeString(work.resolve("bellwether"), "#!/bin/bash\nexec %s/bellwether \"$@\"\n".formatted(HOME));
        assertThat(work.resolve("bellwether").toFile().setExecutable(true)).isTrue();
        StringBuilder script = new StringBuilder("set -eu\ntrap './bellwether down' EXIT\n");
        for (MatchResult block :
                BLOCK.matcher(Files.readString(document)).results().toList()) {
            String text = block.group(3);
            for (Map.Entry<String, String> standIn : standIns.entrySet()) {
                text = text.replace(standIn.getKey(), standIn.getValue());
            }
            if (block.group(1) != null) {
                Files.writeString(work.resolve(block.group(1)), text);
            }
            script.append(command(block.group(2), Optional.ofNullable(block.group(1)), text));
        }
        script.append("trap - EXIT\n./bellwether down\n");
        return Files.writeString(work.resolve("commands.sh"), script);
    }

    private static String command(String language, Optional<String> file, String text) {
        if (language.equals("java")) {
            return "\"$JAVA_HOME/bin/java\" %s\n".formatted(file.orElseThrow());
        }
        if (!language.equals("sh")) {
            return "";
        }
        if (text.contains("./bellwether up")) {
            return "%s > up.log 2>&1 &\nfor i in $(seq 240); do grep -q 'Bellwether is up' up.log && break; sleep 1; done\n"
                    .formatted(text.strip());
        }
        boolean installs = text.contains("pip install") || text.contains("npm install");
        boolean needsInstalled = text.contains("venv/bin/python") || text.startsWith("node ");
        if (installs) {
            return "installed=yes\n(\nset -e\n%s) || { installed=no; echo '%s'; }\n"
                    .formatted(text, SKIPPED + text.strip().replace("'", "").replace("\n", "; "));
        }
        return needsInstalled ? "if [ $installed = yes ]; then\n%sfi\n".formatted(text) : text;
    }

    private static String run(Path work, Path script) throws IOException, InterruptedException {
        File output = work.resolve("output.txt").toFile();
        ProcessBuilder builder = new ProcessBuilder("bash", script.toString())
                .directory(work.toFile())
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(output);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = builder.start();
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            process.destroy();
        }
        assertThat(process.waitFor()).as(Files.readString(output.toPath())).isZero();
        return Files.readString(output.toPath());
    }
}
