package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.trainer.external.ExternalConfig;
import dev.bellwether.trainer.refresh.Refresh.Until;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Refreshes whose middle is a command; their reward models are trained once and copied. */
class ExternalRefreshIT {
    private static final Refresh.Order ORDER =
            Refresh.Order.first("support", "v2", "default", "default", Until.PUBLISH);

    @TempDir
    private static Path shared;

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(directory);

    @BeforeEach
    void begin() throws IOException {
        store = withDefaultPolicy(directory.resolve("store"));
        Path begun = shared.resolve("begun");
        if (!Files.exists(begun)) {
            Report failed = refresh(begun, List.of("false"), Duration.ofMinutes(1), (_, _, _) -> {})
                    .run(RefreshIT.snapshot(false));
            assertThat(failed.reasons()).anyMatch(reason -> reason.contains("ended with status 1"));
        }
        Path folder = Files.createDirectory(directory.resolve("refresh"));
        for (String file : List.of("started", "pairs.jsonl", "rated.jsonl", "left-out.json", "reward", "judge")) {
            if (Files.exists(begun.resolve(file))) {
                Files.copy(begun.resolve(file), folder.resolve(file));
            }
        }
    }

    private static PolicyStore withDefaultPolicy(Path folder) throws IOException {
        PolicyStore store = new PolicyStore(folder);
        Path target = store.path("support", "default");
        Files.createDirectories(target);
        try (Stream<Path> files = Files.list(Path.of("../default-policy/artefact"))) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
        return store;
    }

    private static RefreshConfig external(List<String> command, Duration silenceMax) {
        RefreshConfig plain = RefreshIT.CONFIG;
        return new RefreshConfig(
                plain.judgements(),
                plain.interval(),
                plain.judgementsMin(),
                plain.pairsMin(),
                plain.temperature(),
                plain.topP(),
                plain.completionTokensMax(),
                plain.steps(),
                200,
                plain.seed(),
                plain.rewardBase(),
                plain.quarantine(),
                plain.training(),
                new ExternalConfig(command, Duration.ofMinutes(5), silenceMax),
                List.of(),
                plain.kept());
    }

    private static List<String> driver(String mode) {
        return List.of(
                "env",
                "CLASSPATH=" + System.getProperty("java.class.path"),
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx1g",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "dev.bellwether.trainer.external.Driver",
                mode);
    }

    private Refresh refresh(Path folder, List<String> command, Duration silenceMax, RefreshListener listener) {
        return new Refresh(ORDER, external(command, silenceMax), store, folder, listener, Clock.systemUTC());
    }

    private Report run(List<String> command, Duration silenceMax, Set<String> stages) throws IOException {
        return refresh(directory.resolve("refresh"), command, silenceMax, (stage, _, _) -> stages.add(stage))
                .run(RefreshIT.snapshot(false));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            crash   | ended with status 3 | no memory is left
            hang    | it said nothing for PT3S | log.txt
            nothing | cannot be taken | config.json
            nan     | cannot be taken | not finite
            """)
    void saysWhyNothingCameOfItAndPublishesNothing(String mode, String what, String where) throws IOException {
        Duration silenceMax = Duration.ofSeconds(mode.equals("hang") ? 3 : 60);
        Report report = run(driver(mode), silenceMax, new HashSet<>());
        assertThat(report.passed()).isFalse();
        assertThat(report.version()).isNull();
        assertThat(report.reasons()).anySatisfy(reason -> assertThat(reason).contains(what, where));
        assertThat(store.names("support")).doesNotContain("v2");
        assertThat(directory.resolve("refresh/external/attempt-1/in")).doesNotExist();
    }

    @Test
    void saysThatACommandIsNotThere() throws IOException {
        Report report = run(List.of("no-such-trainer", "now"), Duration.ofMinutes(1), new HashSet<>());
        assertThat(report.reasons()).anyMatch(reason -> reason.contains("no-such-trainer cannot be started"));
    }

    /** The command is started once more after a kill, the gate looks at what it made, and that is published if it passes. */
    @Test
    void publishesWhatTheCommandMadeWhereverTheTrainerIsKilled() throws Exception {
        RefreshProcess trainer = new RefreshProcess(directory, "refresh", "refresh", "v2");
        String settings =
                "{pairs_min: 20, completion_tokens_max: 32, kl_budget: 200, training: {device: cpu, rollouts: 64}, external: {command: %s}}"
                        .formatted(new ObjectMapper().writeValueAsString(driver("adapter")));
        killed(trainer.start(settings), trainer, "external");
        Path folder = directory.resolve("refresh/external");
        Path first = folder.resolve("attempt-1");
        ProcessHandle command = commandOf(first);
        assertThat(first.resolve("in")).as("a folder that nobody deleted").exists();
        killed(trainer.start(settings), trainer, "gate");
        assertThat(command.isAlive())
                .as("the command of the trainer that was killed")
                .isFalse();
        Path second = folder.resolve("attempt-2");
        assertThat(second.resolve("in")).as("what people wrote").doesNotExist();
        JsonNode rewards = new ObjectMapper()
                .readTree(Files.readString(second.resolve("log.txt"))
                        .lines()
                        .filter(line -> line.startsWith("rewards 200"))
                        .findFirst()
                        .orElseThrow()
                        .substring("rewards 200".length()))
                .path("rewards");
        assertThat(rewards.get(0).asDouble())
                .as("the chosen reply is worth more")
                .isGreaterThan(rewards.get(1).asDouble());
        assertThat(trainer.start(settings).waitFor()).as(trainer.said()).isZero();
        assertThat(trainer.said()).as("what was made is not made again").doesNotContain("external");
        Report report = Refresh.report(directory.resolve("refresh")).orElseThrow();
        assertThat(report.reasons()).isEmpty();
        assertThat(report.version()).isEqualTo("v2");
        Manifest manifest = store.manifest("support", "v2");
        assertThat(manifest.artefactKind()).as("it left adapters").isEqualTo(ArtefactKind.ADAPTER);
        assertThat(Objects.requireNonNull(manifest.base()).version()).isEqualTo("default");
        assertThat(store.open("support", "v2").adapter()).isPresent();
    }

    /** The process that was told to write into an attempt's folder. */
    private static ProcessHandle commandOf(Path attempt) {
        String told = "BELLWETHER_OUT=" + attempt.resolve("out").toAbsolutePath();
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            return all.filter(process -> {
                        try {
                            return Files.readString(
                                            Path.of("/proc/%d/environ".formatted(process.pid())),
                                            StandardCharsets.ISO_8859_1)
                                    .contains(told);
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static void killed(Process process, RefreshProcess trainer, String stage) throws InterruptedException {
        Awaitility.await()
                .atMost(Duration.ofMinutes(5))
                .until(() -> !process.isAlive() || trainer.said().contains(System.lineSeparator() + stage));
        assertThat(process.isAlive())
                .as("it has come to %s and not to its end", stage)
                .isTrue();
        process.destroyForcibly().waitFor();
    }
}
