package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.engine.RewardSession.Row;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RewardSessionTest {
    private static final Path REWARD = DecoderSessionTest.REFERENCE.resolve("llama-reward");

    private final Checkpoint checkpoint = Checkpoint.open(REWARD);

    private static List<Row> rows(int count) {
        Random random = new Random(4);
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] prompt = random.ints(1 + random.nextInt(20), 3, 96).toArray();
            rows.add(Row.of(prompt, random.ints(1 + random.nextInt(40), 3, 96).toArray()));
        }
        return rows;
    }

    @Test
    void computesWhatTheReferenceDoesForItsLastToken() throws IOException {
        JsonNode json =
                new ObjectMapper().readTree(REWARD.resolve("reference.json").toFile());
        int[] ids = new ObjectMapper().treeToValue(json.get("ids"), int[].class);
        float[] expected = new ObjectMapper().treeToValue(json.get("logits").get(0), float[].class);
        try (RewardSession session = RewardSession.open(checkpoint, 128, 2_048, 1)) {
            List<Row> rows = List.of(new Row(ids, 5), new Row(Arrays.copyOf(ids, 9), 3));
            assertThat(session.rewards(rows)[0]).containsExactly(expected, within(4e-4f));
        }
    }

    @Test
    void givesEachRowTheSameRewardAloneAndPaddedBesideOthersInTheirOrder() {
        List<Row> rows = rows(40);
        try (RewardSession session = RewardSession.open(checkpoint, 64, 512, 1)) {
            float[][] together = session.rewards(rows);
            for (int i = 0; i < rows.size(); i++) {
                assertThat(together[i])
                        .as("row %d of %d tokens", i, rows.get(i).length())
                        .containsExactly(session.rewards(rows.subList(i, i + 1))[0], within(1e-5f));
            }
        }
    }

    @Test
    void refusesALanguageModel() {
        Checkpoint language = Checkpoint.open(DecoderSessionTest.REFERENCE.resolve("llama-tied"));
        assertThatThrownBy(() -> RewardSession.open(language, 64, 512, 1))
                .hasMessage("a language model cannot score replies");
    }
}
