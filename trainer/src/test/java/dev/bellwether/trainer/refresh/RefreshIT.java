package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Event;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.model.Trained;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole refreshes of a small policy over small snapshots. */
class RefreshIT {
    private static final List<String> QUESTIONS = List.of(
            "Where is my card?",
            "How do I change my PIN?",
            "Why was my transfer declined?",
            "Can I get a second card?",
            "What does a transfer abroad cost?",
            "My phone was stolen, what now?");
    private static final int PEOPLE = 180;
    private static final int KILLS = Integer.getInteger("kills", 2);
    private static final int LIFE_MILLIS_MAX = 6_000;

    static final RefreshConfig CONFIG = new RefreshConfig(
            100,
            Duration.ofHours(1),
            10,
            20,
            .7,
            1,
            32,
            2,
            15,
            1,
            "default",
            true,
            new TrainingConfig(
                    Trained.AUTO,
                    LoraConfig.DEFAULT,
                    "cpu",
                    true,
                    Objective.PPO,
                    BestOfN.Config.DEFAULT,
                    64,
                    512,
                    true,
                    true),
            null,
            List.of(),
            10);

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(directory);

    @BeforeEach
    void publishAPolicy() throws IOException {
        store = SmallPolicy.store(directory);
    }

    /** People who like the kind answer, or, when {@code torn}, as often the curt one. */
    static Snapshot snapshot(boolean torn) {
        Random random = new Random(7);
        return snapshot(person -> torn && random.nextBoolean());
    }

    private static Snapshot snapshot(IntPredicate likesTheCurt) {
        List<PreferencePair> pairs = new ArrayList<>();
        for (int i = 0; i < PEOPLE; i++) {
            Response kind = new Response(
                    "I am sorry for the trouble. Please look into the app, number %d.".formatted(i % 40),
                    interaction(i),
                    "default",
                    0);
            Response curt = new Response("Read the terms, part %d.".formatted(i % 40), interaction(i), "default", 1);
            boolean swapped = likesTheCurt.test(i);
            pairs.add(new PreferencePair(
                    Event.SCHEMA,
                    "pair-%04d".formatted(i),
                    "support",
                    List.of(new Message("user", QUESTIONS.get(i % QUESTIONS.size()))),
                    swapped ? curt : kind,
                    swapped ? kind : curt,
                    Origin.DUEL,
                    1,
                    List.of("person-" + i),
                    Source.END_USER,
                    "c" + i,
                    i));
        }
        return Snapshot.of(pairs, List.of());
    }

    /** An id that holds the time {@code number}. */
    static String interaction(int number) {
        return new UUID((long) number << 16 | 0x7000, Long.MIN_VALUE).toString();
    }

    private Refresh refresh(String name, RefreshListener listener) {
        return new Refresh(
                Refresh.Order.first("support", name, "default", "default", Refresh.Until.PUBLISH),
                CONFIG,
                store,
                directory.resolve(name),
                listener,
                Clock.systemUTC());
    }

    /** Processes that are killed at any moment, while the settings change; {@code -Dkills} says how many. */
    @Test
    void endsInTheSamePolicyHoweverOftenItWasKilled() throws Exception {
        Snapshot snapshot = snapshot(false);
        Report whole = refresh("whole", (stage, fraction, metrics) -> {}).run(snapshot);
        assertThat(whole.version()).isEqualTo("whole");
        snapshot.write(directory.resolve("snapshot"));
        RefreshProcess trainer = new RefreshProcess(directory, "snapshot", "cut", "cut");
        long seed = new SplittableRandom().nextLong();
        Random random = new Random(seed);
        Set<Manifest> rewards = new LinkedHashSet<>();
        for (int kill = 0; kill < KILLS; kill++) {
            Process process = trainer.start(settings(CONFIG.steps() + kill));
            Awaitility.await().until(() -> RefreshPlan.exists(directory.resolve("cut")) || !process.isAlive());
            boolean ended = process.waitFor(random.nextInt(LIFE_MILLIS_MAX), TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
            assertThat(ended && process.exitValue() != 0)
                    .as("it failed: %s", trainer.said())
                    .isFalse();
            if (store.contains("support", "reward-cut")) {
                rewards.add(store.manifest("support", "reward-cut"));
            }
        }
        assertThat(trainer.start(settings(1)).waitFor()).as(trainer.said()).isZero();
        Report report = Refresh.report(directory.resolve("cut")).orElseThrow();
        assertThat(report.reasons()).isEqualTo(whole.reasons());
        assertThat(weights("cut")).as("seed %d", seed).isEqualTo(weights("whole"));
        assertThat(weights("reward-cut")).as("seed %d", seed).isEqualTo(weights("reward-whole"));
        GoldenCases.verify(store.open("support", "cut"), 1, Precision.FLOAT32);
        Manifest reward = store.manifest("support", "reward-cut");
        rewards.add(reward);
        assertThat(rewards).as("published once").hasSize(1);
        assertThat(reward.parent()).isEqualTo("default");
        assertThat(reward.refresh())
                .asString()
                .contains("\"accuracy\":1.0", "\"heads\":4", "\"votes\":0")
                .contains("\"comparisons\":");
        prefersKindness("reward-cut");
        assertThat(refresh("whole", (stage, fraction, metrics) -> {}).run(snapshot(true)))
                .as("what is done is not done again")
                .isEqualTo(whole);
    }

    private byte[] weights(String version) throws IOException {
        return Files.readAllBytes(store.path("support", version).resolve("model.safetensors"));
    }

    private static String settings(int steps) {
        return "{judgements: 100, interval: PT1H, judgements_min: 10, pairs_min: 20, temperature: 0.7, completion_tokens_max: 32, steps: %d, training: {device: cpu, rollouts: 64}}"
                .formatted(steps);
    }

    /** Where hardly any divergence is allowed, the first update leads too far; it is the last one, too. */
    @Test
    void undoesTheLastUpdateWhereItLedTooFar() throws IOException {
        RefreshConfig config = new RefreshConfig(
                CONFIG.judgements(),
                CONFIG.interval(),
                CONFIG.judgementsMin(),
                CONFIG.pairsMin(),
                CONFIG.temperature(),
                .95,
                CONFIG.completionTokensMax(),
                1,
                1e-3,
                CONFIG.seed(),
                CONFIG.rewardBase(),
                CONFIG.quarantine(),
                CONFIG.training(),
                null,
                List.of(),
                CONFIG.kept());
        new Refresh(
                        Refresh.Order.first("support", "near", "default", "default", Refresh.Until.PUBLISH),
                        config,
                        store,
                        directory.resolve("near"),
                        (_, _, _) -> {},
                        Clock.systemUTC())
                .run(snapshot(false));
        try (Weights first = Weights.of(store.open("support", "default"), ComputeDevice.CPU);
                Weights rounded = first.rounded();
                Weights near = Weights.of(store.open("support", "near"), ComputeDevice.CPU)) {
            assertThat(near.sameAs(rounded)).isTrue();
        }
    }

    @Test
    void publishesTheAdaptersAloneThatItTrained() throws IOException {
        TrainingConfig training = new TrainingConfig(
                Trained.LORA,
                LoraConfig.DEFAULT,
                "cpu",
                true,
                Objective.PPO,
                new BestOfN.Config(1, 6, 4),
                16,
                512,
                true,
                true);
        RefreshConfig config = new RefreshConfig(
                100, Duration.ofHours(1), 10, 20, 0, 1, 32, 1, 15, 1, "default", true, training, null, List.of(), 10);
        Set<String> stages = new LinkedHashSet<>();
        Report report = new Refresh(
                        Refresh.Order.first("support", "adapted", "default", "default", Refresh.Until.PUBLISH),
                        config,
                        store,
                        directory.resolve("adapted"),
                        (stage, _, _) -> stages.add(stage),
                        Clock.systemUTC())
                .run(snapshot(false));
        assertThat(report.version()).isEqualTo("adapted");
        assertThat(stages).containsExactly("snapshot", "reward", "judge", "distil", "ppo", "gate", "publish");
        Manifest manifest = store.manifest("support", "adapted");
        assertThat(manifest.artefactKind()).isEqualTo(ArtefactKind.ADAPTER);
        assertThat(manifest.files()).containsKey("adapter_model.safetensors").doesNotContainKey("model.safetensors");
        GoldenCases.verify(store.open("support", "adapted"), 1, Precision.FLOAT32);
    }

    /** As the gateway loads it. */
    private void prefersKindness(String name) {
        try (RewardScorer scorer = RewardScorer.load(store, "support", name, 1)) {
            List<RewardScorer.Score> scores = scorer.score(
                    List.of(Turn.user("Where is my card?")),
                    List.of(
                            "Read the terms, part 3.",
                            "I am sorry for the trouble. Please look into the app, number 3."));
            assertThat(scores.get(1).mean() - scores.get(1).spread())
                    .as("%s: further apart than the heads disagree", scores)
                    .isGreaterThan(scores.get(0).mean() + scores.get(0).spread());
        }
    }

    static void publishUpstream(PolicyStore store) throws IOException {
        UpstreamConfig upstream = UpstreamConfig.parse("{\"url\":\"https://models.example/v1\",\"model\":\"large\"}");
        store.publish(ArtefactLabel.added("support", "large", ArtefactKind.UPSTREAM, Instant.EPOCH), upstream::write);
    }

    private Refresh ofAnUpstream(RefreshListener listener) {
        return new Refresh(
                Refresh.Order.first("support", "v1", "large", "large", Refresh.Until.PUBLISH),
                CONFIG,
                store,
                directory.resolve("v1"),
                listener,
                Clock.systemUTC());
    }

    @Test
    void trainsTheRewardModelAloneWhereAnUpstreamAnswers() throws IOException {
        publishUpstream(store);
        List<String> stages = new ArrayList<>();
        Refresh refresh = ofAnUpstream((stage, fraction, metrics) -> stages.add(stage));
        Report report = refresh.run(snapshot(false));
        assertThat(report.passed()).isTrue();
        assertThat(report.version()).isNull();
        assertThat(report.reasons())
                .hasSize(2)
                .anyMatch(reason -> reason.contains("the reward model reward-v1 is published; it is right on 100.0 %"))
                .anyMatch(reason -> reason.contains("the champion large is an upstream and has no weights"));
        assertThat(stages).contains("reward", "judge", "publish").doesNotContain("ppo", "gate");
        assertThat(store.names("support")).containsExactly("default", "large", "reward-v1");
        assertThat(store.manifest("support", "reward-v1").parent()).isEqualTo("default");
        prefersKindness("reward-v1");
        assertThat(refresh.run(snapshot(true))).isEqualTo(report);
    }

    @Test
    void keepsBackARewardModelThatDoesNotTellWhatTheLatestPeopleLike() throws IOException {
        publishUpstream(store);
        Report report =
                ofAnUpstream((stage, fraction, metrics) -> {}).run(snapshot(person -> person >= PEOPLE - PEOPLE / 10));
        assertThat(report.passed()).isFalse();
        assertThat(report.rewardAccuracy()).isLessThan(.5);
        assertThat(report.reasons().getFirst())
                .startsWith("the reward model is not published: it is right on")
                .endsWith("of the comparisons held out, needed is above 50 %");
        assertThat(store.names("support")).containsExactly("default", "large");
    }

    @Test
    void saysWhatIsMissingWhereAnUpstreamAnswersAndNoCheckpointIsThere() throws IOException {
        publishUpstream(store);
        assertThat(store.remove("support", "default")).isTrue();
        Report report = ofAnUpstream((stage, fraction, metrics) -> {}).run(snapshot(false));
        assertThat(report.passed()).isFalse();
        assertThat(report.reasons())
                .singleElement()
                .asString()
                .contains("the champion large is an upstream, and the store has no checkpoint 'default' of bot support")
                .contains("version add support default --checkpoint", "reward_base");
    }

    @Test
    void refusesWhenPeopleHaveNoPreferenceInCommon() throws IOException {
        Report report = refresh("torn", (stage, fraction, metrics) -> {}).run(snapshot(true));
        assertThat(report.passed()).isFalse();
        assertThat(report.version()).isNull();
        assertThat(report.reasons()).singleElement().asString().contains("the judge finds no preference to learn");
        assertThat(store.names("support")).containsExactly("default");
    }

    @Test
    void skipsAndSaysWhatIsMissingWhenThereAreTooFewPairs() throws IOException {
        Report report = refresh("few", (stage, fraction, metrics) -> {})
                .run(Snapshot.of(snapshot(false).pairs().subList(0, 5), List.of()));
        assertThat(report.reasons())
                .containsExactly(
                        "too little to learn from: 5 pairs and 0 thumbs, of which two count as one; pairs_min is 20");
    }
}
