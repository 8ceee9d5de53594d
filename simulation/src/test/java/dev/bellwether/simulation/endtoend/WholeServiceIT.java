package dev.bellwether.simulation.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RolloutState;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.simulation.customer.Bot;
import dev.bellwether.simulation.customer.Crowd;
import dev.bellwether.simulation.customer.CrowdConfig;
import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.measurement.TopicAudit;
import dev.bellwether.simulation.measurement.TopicReader;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.question.Questions;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import dev.bellwether.standalone.Installation;
import dev.bellwether.standalone.InstallationSettings;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebDriver;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.support.ui.ExpectedConditions;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The whole service as processes, with customers, killed services, and a person at the chat page. */
class WholeServiceIT {
    private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final Path CHROMEDRIVER = Path.of("/usr/bin/chromedriver");
    private static final Duration READ_LIMIT = Duration.ofMinutes(1);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private static Path directory = Path.of("");

    private static Installation installation;

    @BeforeAll
    static void start() throws IOException {
        // The demo's bot, but no refresh begins beside what is tested.
        String demo = Files.readString(HOME.resolve("simulation/demo-bots.yaml"));
        Path bots = Files.writeString(
                directory.resolve("bots.yaml"), demo.replaceFirst("judgements: \\d+", "judgements: 1000000"));
        installation = Installation.start(InstallationSettings.of(HOME, directory.resolve("data"))
                .chatPort(0)
                .bots(bots));
    }

    @AfterAll
    static void stop() {
        installation.close();
    }

    private static TopicReader reader() {
        return new TopicReader(installation.kafka(), READ_LIMIT);
    }

    /** The trainer is killed in its own tests, the other services in the soak of feedback. */
    @Test
    void losesNoAcknowledgedFeedbackWhenServicesAreKilledInTurn() throws Exception {
        BellwetherClient client = BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .retriesMax(8)
                .build();
        Satisfaction satisfaction = new Satisfaction(
                Taste.read(HOME.resolve("simulation/tastes/default.yaml")),
                Facts.read(HOME.resolve("default-policy/corpus/intents.yaml")),
                2);
        Questions questions = Questions.read(HOME.resolve("default-policy/corpus/questions.csv"));
        Ledger ledger = new Ledger();
        Crowd crowd = new Crowd(
                Bot.of(client, "support"), questions.all(), satisfaction, ledger, CrowdConfig.of(20_000, 8, 5));
        List<String> victims = List.of("gateway", "kafka");
        CompletableFuture<Boolean> killed = new CompletableFuture<>();
        Thread killer = Thread.ofPlatform().start(() -> {
            try {
                for (String victim : victims) {
                    long before = crowd.interactions();
                    await(() -> crowd.interactions() > before + 50);
                    long pid = installation.supervisor().pid(victim);
                    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
                    await(() -> installation.supervisor().state(victim).pid() != pid
                            && installation
                                    .supervisor()
                                    .state(victim)
                                    .health()
                                    .name()
                                    .equals("HEALTHY"));
                }
                killed.complete(true);
            } catch (RuntimeException | AssertionError e) {
                killed.completeExceptionally(e);
            }
        });
        Crowd.Outcome outcome = crowd.run(killed::isDone);
        killer.join(Duration.ofMinutes(3));
        assertThat(killed.get(1, TimeUnit.SECONDS)).isTrue();
        assertThat(outcome.gone()).isFalse();
        assertThat(ledger.feedback()).isGreaterThan(20);
        TopicAudit audit = TopicAudit.of(reader(), ledger, PATIENCE);
        assertThat(audit.lost()).isZero();
        assertThat(audit.duplicated()).isZero();
        assertThat(audit.unrated()).isZero();
    }

    @Test
    void abortsACandidateThatIsBrokenWhileTheChampionServesOn() throws Exception {
        Path broken = installation.folder().store().resolve("support").resolve("broken");
        Files.createDirectories(broken);
        Files.writeString(broken.resolve("config.json"), "{}");
        try (OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            long revision = operator.status("support").rollout().revision();
            operator.command("support", OperatorClient.Command.START, "broken", "a test", revision);
            await(() -> aborted(operator, "broken", "cannot be loaded"));
            await(() -> phase(operator) == RolloutState.Phase.ABORTED);
            RolloutState state = operator.status("support").rollout();
            assertThat(state.champion()).isEqualTo("default");
            assertThat(state.candidate()).isNull();
        }
        BellwetherClient client = BellwetherClient.builder()
                .baseUrl(installation.chatUrl().toString())
                .apiKey(installation.apiKey())
                .build();
        assertThat(client.chat(ChatRequest.of("support", "Where is my card?")).text())
                .isNotBlank();
    }

    @Test
    void servesACandidateUntilAnOperatorAbortsIt() throws Exception {
        Path store = installation.folder().store();
        new PolicyStore(store)
                .publish(
                        ArtefactLabel.added("support", "twin", ArtefactKind.CHECKPOINT, Instant.now()),
                        twin -> copyAll(store.resolve("support").resolve("default"), twin));
        try (OperatorClient operator = new OperatorClient(installation.operatorUrl(), installation.operatorKey())) {
            long revision = operator.status("support").rollout().revision();
            operator.command("support", OperatorClient.Command.START, "twin", "a test", revision);
            await(() -> phase(operator) == RolloutState.Phase.CANARY && effective(operator));
            revision = operator.status("support").rollout().revision();
            operator.command("support", OperatorClient.Command.ABORT, null, "a test", revision);
            await(() -> phase(operator) == RolloutState.Phase.ABORTED && effective(operator));
            assertThat(operator.status("support").rollout().champion()).isEqualTo("default");
        }
    }

    /** All but the manifest, which says whose files they are. */
    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file :
                    files.filter(file -> !file.endsWith("manifest.json")).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    /** Whether the gateway serves by the state that it knows. */
    private static boolean effective(OperatorClient operator) throws Exception {
        OperatorClient.Status status = operator.status("support");
        return status.json().path("effective_revision").asLong(-1)
                == status.rollout().revision();
    }

    private static boolean aborted(OperatorClient operator, String version, String why) throws Exception {
        return operator.history("support").stream()
                .anyMatch(transition -> version.equals(transition.version())
                        && transition.to() == RolloutState.Phase.ABORTED
                        && transition.why().contains(why));
    }

    private static RolloutState.Phase phase(OperatorClient operator) throws Exception {
        return operator.status("support").rollout().phase();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(5))
                .ignoreException(IOException.class)
                .until(condition);
    }

    @Test
    void carriesAVoteAndAChoiceFromTheChatPageToTheTopicsUntilTheVisitorIsForgotten() throws IOException {
        assumeTrue(
                Files.isExecutable(CHROMIUM) && Files.isExecutable(CHROMEDRIVER),
                "skipped: needs chromium and chromedriver (packages chromium, chromium-driver)");
        ChromeOptions options = new ChromeOptions();
        options.setBinary(CHROMIUM.toFile());
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=420,800",
                "--user-data-dir=" + directory.resolve("browser"));
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(CHROMEDRIVER.toFile())
                .build();
        WebDriver browser = new ChromeDriver(service, options);
        try {
            WebDriverWait wait = new WebDriverWait(browser, Duration.ofSeconds(30));
            int choices = 0;
            browser.get(installation.chatUrl().resolve("/?duel=never").toString());
            ask(browser, "Where is my new card?");
            wait.until(page -> !page.findElements(By.cssSelector(".thumb.down")).isEmpty());
            browser.findElement(By.cssSelector(".thumb.down")).sendKeys(Keys.ENTER);
            wait.until(page -> !page.findElements(By.cssSelector(".reason")).isEmpty());
            browser.findElements(By.cssSelector(".reason")).get(0).sendKeys(Keys.ENTER);
            wait.until(page -> page.findElements(By.cssSelector(".reason[aria-pressed=true]"))
                            .size()
                    == 1);
            browser.findElements(By.cssSelector(".reason")).get(2).sendKeys(Keys.ENTER);
            wait.until(page -> page.findElements(By.cssSelector(".reason[aria-pressed=true]"))
                            .size()
                    == 2);
            browser.findElement(By.cssSelector(".correct")).sendKeys(Keys.ENTER);
            browser.findElement(By.cssSelector(".bot textarea")).sendKeys(" Sorry for the delay.");
            browser.findElement(By.cssSelector(".save")).sendKeys(Keys.ENTER);
            wait.until(page -> page.findElements(By.cssSelector(".save")).isEmpty());
            browser.get(installation.chatUrl().resolve("/?duel=always").toString());
            do {
                browser.findElement(By.id("restart")).sendKeys(Keys.ENTER);
                wait.until(page -> page.findElements(By.cssSelector(".choose")).isEmpty());
                ask(browser, "How do I block a stolen card?");
                wait.until(page -> page.findElements(By.cssSelector(".choose")).size() == 2);
                choices++;
            } while (choices < 2 || sameTexts(browser));
            browser.findElements(By.cssSelector(".choose")).get(1).sendKeys(Keys.ENTER);
            wait.until(page -> page.findElements(By.cssSelector(".choose")).isEmpty());
            await(() -> seen(WholeServiceIT::downVoted));
            await(() -> pairs().values().stream().anyMatch(WholeServiceIT::corrected));
            await(() -> pairs().values().stream()
                    .anyMatch(pair -> pair.origin() == PreferencePair.Origin.DUEL
                            && pair.prompt().getFirst().content().equals("How do I block a stolen card?")));
            browser.findElement(By.id("forget")).sendKeys(Keys.ENTER);
            wait.until(ExpectedConditions.alertIsPresent()).accept();
            wait.until(ExpectedConditions.textMatches(By.cssSelector(".hint"), Pattern.compile("You are forgotten.*")));
        } finally {
            browser.quit();
        }
        await(() -> !seen(WholeServiceIT::downVoted));
        await(() -> pairs().values().stream().noneMatch(WholeServiceIT::corrected));
    }

    private static boolean downVoted(RatedInteraction rated) {
        return rated.interaction().prompt().getFirst().content().equals("Where is my new card?")
                && rated.judgements().stream()
                        .anyMatch(each -> each.signal() instanceof FeedbackSignal.Thumb thumb
                                && !thumb.up()
                                && thumb.reasons().equals(List.of("wrong", "too long")));
    }

    private static boolean corrected(PreferencePair pair) {
        return pair.origin() == PreferencePair.Origin.EDIT
                && pair.chosen().text().contains("Sorry for the delay.");
    }

    /** Two replies may happen to be the same; a choice between those says nothing. */
    private static boolean sameTexts(WebDriver browser) {
        return browser.findElements(By.cssSelector(".duel .text")).stream()
                        .map(WebElement::getText)
                        .distinct()
                        .count()
                == 1;
    }

    private static void ask(WebDriver browser, String question) {
        browser.findElement(By.id("question")).sendKeys(question, Keys.ENTER);
    }

    private static boolean seen(Predicate<RatedInteraction> wanted) throws IOException {
        return reader().latest(Topics.RATED_INTERACTIONS).values().stream().anyMatch(wanted);
    }

    private static Map<String, PreferencePair> pairs() throws IOException {
        return reader().latest(Topics.PREFERENCE_PAIRS);
    }
}
