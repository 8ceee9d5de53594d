package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.GoldenRewards.GoldenReward;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A reward model with heads of random weights over the default policy. */
class RewardScorerTest {
    private static final Path POLICY = Path.of("../default-policy/artefact");
    private static final RewardScale SCALE = new RewardScale(.5, 2);
    private static final List<Turn> PROMPT = List.of(Turn.user("Where is my card?"));
    private static final List<String> REPLIES = List.of("On its way, please wait a little longer.", "No.", "Soon.");

    @TempDir
    private Path directory;

    private PolicyStore store = new PolicyStore(Path.of(""));

    @BeforeEach
    void open() {
        store = new PolicyStore(directory);
    }

    private static void write(Path target, float factor) throws IOException {
        Checkpoint policy = Checkpoint.open(POLICY);
        CheckpointConfig config = policy.config().asRewardModel(2, Pooling.MEAN);
        float[] weights = Arrays.copyOf(policy.parameters(), config.flatSize());
        Random random = new Random(1);
        for (int i = weights.length - 2 * config.hiddenSize(); i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian() * factor;
        }
        Checkpoint.write(target, config, weights, NumberFormat.BF16);
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(POLICY.resolve(name), target.resolve(name));
        }
    }

    private void publish(@Nullable RewardScale scale, PolicyStore.Writer more) throws IOException {
        store.publish(
                new ArtefactLabel(
                        "support", "reward-v1", ArtefactKind.REWARD, "default", null, Instant.EPOCH, null, scale),
                target -> {
                    write(target, .1f);
                    more.write(target);
                });
    }

    private void publishWhole() throws IOException {
        publish(SCALE, target -> GoldenRewards.write(target, List.of(golden(target, SCALE))));
    }

    /** Whether serving computes what training did cannot be known then. */
    @Test
    void refusesAModelWithoutGoldenRewards() throws IOException {
        publish(SCALE, target -> {});
        assertThatThrownBy(this::load).hasMessageContaining("golden.jsonl is missing");
        assertThat(store.remove("support", "reward-v1")).isTrue();
        publish(SCALE, target -> Files.writeString(target.resolve("golden.jsonl"), ""));
        assertThatThrownBy(this::load).hasMessageContaining("holds no case");
    }

    private static GoldenReward golden(Path target, RewardScale scale) {
        int[] prompt = {3, 40, 50};
        int[] reply = {60, 70, 1};
        try (RewardSession session = RewardSession.open(Checkpoint.open(target), 16, 16, 1)) {
            float[] rewards = session.rewards(List.of(RewardSession.Row.of(prompt, reply)))[0];
            return GoldenReward.of(prompt, reply, rewards, scale);
        }
    }

    private RewardScorer load() {
        return RewardScorer.load(store, "support", "reward-v1", 1);
    }

    @Test
    void scoresEachReplyByMeanAndSpreadOfTheHeadsInTheOrderAsked() throws IOException {
        publishWhole();
        try (RewardScorer scorer = load();
                RewardSession session = RewardSession.open(store.openReward("support", "reward-v1"), 512, 512, 1);
                PolicyTokenizer tokenizer = PolicyTokenizer.open(POLICY)) {
            List<Score> scores = scorer.score(PROMPT, REPLIES);
            assertThat(scores).hasSize(3);
            for (int i = 0; i < scores.size(); i++) {
                RewardSession.Row row =
                        RewardSession.Row.of(tokenizer.prompt(PROMPT), tokenizer.reply(REPLIES.get(i), 1));
                float[] heads = session.rewards(List.of(row))[0];
                double mean = (heads[0] + heads[1]) / 2;
                double spread = Math.abs(heads[0] - heads[1]) / 2;
                assertThat(scores.get(i).mean()).isCloseTo((mean - .5) / 2, within(1e-5));
                assertThat(scores.get(i).spread()).isCloseTo(spread / 2, within(1e-5));
            }
            assertThat(scorer.score(PROMPT, List.of())).isEmpty();
        }
    }

    @Test
    void cutsAPromptWithoutRoomAtItsFrontAndRefusesAReplyWithoutRoomForAPrompt() throws IOException {
        publishWhole();
        Checkpoint checkpoint = store.openReward("support", "reward-v1");
        try (RewardScorer narrow = RewardScorer.open(checkpoint, SCALE, new ScorerConfig(24, 64, 1))) {
            List<Turn> longer =
                    List.of(Turn.user("card ".repeat(60) + "where is it now, tell me please, and be quick"));
            List<Turn> other = List.of(Turn.user("loan ".repeat(90) + "where is it now, tell me please, and be quick"));
            assertThat(narrow.positionsMax()).isEqualTo(24);
            assertThat(narrow.score(longer, REPLIES))
                    .as("the beginnings, which differ, are not read")
                    .isEqualTo(narrow.score(other, REPLIES));
            assertThatThrownBy(() -> narrow.score(PROMPT, List.of("No.", "card ".repeat(40))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("leaves no room for its prompt; at most 23 do");
        }
    }

    @Test
    void scoresTheSameForManyThreadsAtOnce() throws Exception {
        publishWhole();
        RewardScorer kept;
        try (RewardScorer scorer = load();
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            kept = scorer;
            List<Score> alone = scorer.score(PROMPT, REPLIES);
            List<Future<List<Score>>> together = IntStream.range(0, 12)
                    .mapToObj(i -> threads.submit(() -> scorer.score(PROMPT, REPLIES)))
                    .toList();
            for (Future<List<Score>> each : together) {
                assertThat(each.get()).isEqualTo(alone);
            }
        }
        assertThatThrownBy(() -> kept.score(PROMPT, REPLIES)).hasMessage("the reward model is closed");
    }

    @Test
    void refusesAModelThatComputesAnotherRewardThanItsTrainer() throws IOException {
        publish(SCALE, target -> {
            GoldenReward right = golden(target, SCALE);
            float[] wrong = {right.rewards()[0], right.rewards()[1] + .1f};
            GoldenRewards.write(target, List.of(GoldenReward.of(right.prompt(), right.reply(), wrong, SCALE)));
        });
        assertThatThrownBy(this::load)
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("golden case 0: head 1 gives")
                .hasMessageContaining("the trainer had");
    }

    @Test
    void refusesGoldenCasesThatWouldProveNothing() throws IOException {
        publish(SCALE, target -> {
            GoldenReward right = golden(target, SCALE);
            GoldenRewards.write(target, List.of(new GoldenReward(right.prompt(), right.reply(), right.rewards(), 1e9)));
        });
        assertThatThrownBy(this::load)
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("a tolerance above");
    }

    @Test
    void refusesGoldenCasesThatCannotBeRead() throws IOException {
        publish(SCALE, target -> Files.writeString(target.resolve("golden.jsonl"), "{\"prompt\":null}\n"));
        assertThatThrownBy(this::load)
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("golden.jsonl cannot be read");
    }

    @Test
    void refusesAModelWithoutAScaleOrWithOneThatDividesByNothing() throws IOException {
        publish(null, target -> {});
        assertThatThrownBy(this::load).hasMessage("reward-v1 of bot support has no scale in its manifest");
        Checkpoint checkpoint = store.openReward("support", "reward-v1");
        assertThatThrownBy(() -> RewardScorer.open(checkpoint, new RewardScale(0, 0), new ScorerConfig(64, 64, 1)))
                .hasMessageContaining("its deviation 0.0");
    }

    @Test
    void refusesWeightsThatAreNoNumbers() throws IOException {
        store.publish(
                new ArtefactLabel("support", "reward-v1", ArtefactKind.REWARD, null, null, Instant.EPOCH, null, SCALE),
                target -> write(target, Float.NaN));
        assertThatThrownBy(this::load).hasMessage("tensor score.weight holds a number that is not finite");
    }

    @Test
    void refusesAnArtefactThatWasTouchedOrIsNoRewardModel() throws IOException {
        publish(SCALE, target -> {});
        Files.writeString(store.path("support", "reward-v1").resolve("tokenizer_config.json"), "{}");
        assertThatThrownBy(this::load).hasMessageContaining("tokenizer_config.json has another SHA-256");
        store.publish(
                new ArtefactLabel("support", "v1", ArtefactKind.CHECKPOINT, null, null, Instant.EPOCH, null, null),
                target -> write(target, .1f));
        assertThatThrownBy(() -> RewardScorer.load(store, "support", "v1", 1))
                .hasMessageContaining("is of the kind checkpoint, not reward");
    }
}
