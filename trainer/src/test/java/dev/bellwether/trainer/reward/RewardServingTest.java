package dev.bellwether.trainer.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.engine.GoldenRewards;
import dev.bellwether.policy.engine.GoldenRewards.GoldenReward;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.engine.ScorerConfig;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The reward model scores alike where it is trained and where it serves. */
class RewardServingTest {
    private static final Path POLICY = Path.of("../default-policy/artefact");
    private static final int HEADS = 4;

    private static final List<Turn> PROMPT = List.of(
            new Turn("system", "You help customers."),
            Turn.user("I lost my card."),
            Turn.assistant("I am sorry to hear that. Is it blocked already?"),
            Turn.user("No, how do I do that? 🙁"));
    private static final List<String> REPLIES = List.of(
            "In the app: cards, then block.",
            "",
            "Please open the app, choose your card, and block it there. We send you another one. ".repeat(6),
            "No.",
            "Block it in the app, and a new one is on its way to you.");

    @TempDir
    private Path directory;

    private Checkpoint rewardModel(Pooling pooling) throws IOException {
        Checkpoint policy = Checkpoint.open(POLICY);
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(POLICY.resolve(name), directory.resolve(name));
        }
        CheckpointConfig config = policy.config().asRewardModel(HEADS, pooling);
        try (Weights base = Weights.of(policy, ComputeDevice.CPU);
                Weights reward = base.trainable(config, Optional.empty(), 5)) {
            reward.write(directory, config, NumberFormat.F32);
        }
        return Checkpoint.open(directory);
    }

    @ParameterizedTest
    @EnumSource(Pooling.class)
    void servesTheScoresThatItWasTrainedWith(Pooling pooling) throws IOException {
        Checkpoint checkpoint = rewardModel(pooling);
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(directory);
                RewardModel trained =
                        new RewardModel(checkpoint.config(), Weights.of(checkpoint, ComputeDevice.CPU), 1_800)) {
            int end = tokenizer.endOfReply(checkpoint.config().endTokens());
            List<Sample> samples = REPLIES.stream()
                    .map(reply -> Sample.of(tokenizer.prompt(PROMPT), tokenizer.reply(reply, end)))
                    .toList();
            trained.calibrate(samples);
            List<Score> expected = trained.score(samples);
            float[][] rewards = trained.rewards(samples);
            GoldenRewards.write(
                    directory,
                    IntStream.range(0, rewards.length)
                            .mapToObj(i -> GoldenReward.of(
                                    samples.get(i).prompt(), samples.get(i).reply(), rewards[i], trained.scale()))
                            .toList());
            try (RewardScorer scorer = RewardScorer.open(checkpoint, trained.scale(), new ScorerConfig(512, 300, 1))) {
                List<Score> served = scorer.score(PROMPT, REPLIES);
                for (int i = 0; i < served.size(); i++) {
                    assertThat(served.get(i).mean()).isCloseTo(expected.get(i).mean(), within(1e-4));
                    assertThat(served.get(i).spread()).isCloseTo(expected.get(i).spread(), within(1e-4));
                }
            }
        }
    }
}
