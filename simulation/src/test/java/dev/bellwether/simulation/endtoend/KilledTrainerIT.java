package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.RefreshProgress;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Rule;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import dev.bellwether.standalone.Installation;
import dev.bellwether.standalone.InstallationSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trainer's process dies in the middle of PPO. */
class KilledTrainerIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Path BOTS = Path.of("src/test/resources/endtoend/quick-refresh-bots.yaml");
    private static final int STEPS = 3;
    private static final Pattern STEP = Pattern.compile("refresh \\S+ ppo (\\d+) %");

    @TempDir
    private Path directory = Path.of("");

    @Test
    void goesOnAtTheStepWhereItWasKilledAndPublishes() throws Exception {
        InstallationSettings settings = InstallationSettings.of(HOME, directory.resolve("data"))
                .chatPort(0)
                .bots(BOTS);
        try (Installation installation = Installation.start(settings);
                OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            judge(installation, operator);
            Path log = installation.folder().log("trainer");
            await().until(() -> !steps(log).isEmpty() || report(operator).isPresent());
            assertThat(report(operator)).as("the refresh ended before PPO").isEmpty();
            long pid = installation.supervisor().pid("trainer");
            ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            await().until(() -> report(operator).isPresent());
            RefreshProgress.Report report = report(operator).orElseThrow();
            assertThat(report.version()).as("%s", report).isNotNull();
            assertThat(Checkpoint.open(installation.folder().store().resolve("support", report.version()))
                            .config()
                            .vocabularySize())
                    .isPositive();
            assertThat(steps(log))
                    .as("steps in percent; the one that was cut off is taken again, none is left out")
                    .isSorted()
                    .hasSizeBetween(STEPS, STEPS + 1)
                    .contains(33, 67, 100);
        }
    }

    /** People who like few words judge until a refresh begins. */
    private static void judge(Installation installation, OperatorClient operator) throws Exception {
        BellwetherClient client = BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .retriesMax(8)
                .build();
        Taste taste = new Taste(1, 0, .2, List.of(new Rule.Words(1, 15, 2)));
        Satisfaction satisfaction =
                new Satisfaction(taste, Facts.read(HOME.resolve("default-policy/corpus/intents.yaml")), 1);
        Questions questions = Questions.read(HOME.resolve("default-policy/corpus/questions.csv"));
        new Crowd(Bot.of(client, "support"), questions.all(), satisfaction, new Ledger(), CrowdConfig.of(320, 16, 3))
                .run(() -> false);
        await().until(() -> !operator.refreshes().isEmpty());
    }

    private static Optional<RefreshProgress.Report> report(OperatorClient operator)
            throws IOException, InterruptedException {
        return operator.refreshes().stream()
                .flatMap(progress -> Optional.ofNullable(progress.report()).stream())
                .findFirst();
    }

    private static List<Integer> steps(Path log) throws IOException {
        return STEP.matcher(Files.readString(log))
                .results()
                .map((MatchResult match) -> Integer.valueOf(match.group(1)))
                .toList();
    }

    private static ConditionFactory await() {
        return Awaitility.await().atMost(Duration.ofMinutes(10)).ignoreException(IOException.class);
    }
}
