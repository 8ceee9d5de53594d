package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartTest {
    @TempDir
    private Path directory;

    private PolicyStore store = new PolicyStore(Path.of(""));

    @BeforeEach
    void fill() throws IOException {
        store = new PolicyStore(directory);
        publish("default", ArtefactKind.CHECKPOINT);
        publish("v1", ArtefactKind.CHECKPOINT);
        publish("large", ArtefactKind.UPSTREAM);
    }

    private void publish(String name, ArtefactKind kind) throws IOException {
        RewardScale scale = kind == ArtefactKind.REWARD ? RewardScale.NONE : null;
        String base = kind == ArtefactKind.ADAPTER ? "default" : null;
        store.publish(
                new ArtefactLabel("support", name, kind, null, base, Instant.EPOCH, null, scale),
                target -> Files.writeString(target.resolve("config.json"), config(64)));
    }

    private static String config(int inner) {
        return """
                {"model_type": "llama", "vocab_size": 4096, "hidden_size": 32, "intermediate_size": %d,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": true}
                """.formatted(inner);
    }

    @Test
    void startsFromAChampionOfAnotherShape() throws IOException {
        store.publish(
                ArtefactLabel.added("support", "wide", ArtefactKind.CHECKPOINT, Instant.EPOCH),
                target -> Files.writeString(target.resolve("config.json"), config(96)));
        assertThat(start("default", "wide")).isEqualTo(new Start.From("wide", true));
        assertThat(start("default", "v1")).isEqualTo(new Start.From("default", true));
    }

    private Start start(String origin, String champion) {
        Refresh.Order order = Refresh.Order.first("support", "v2", origin, champion, Refresh.Until.PUBLISH);
        return Start.of(store, order, RefreshConfig.defaults());
    }

    @Test
    void makesACandidateFromTheOriginOfALocalChampion() {
        assertThat(start("default", "v1")).isEqualTo(new Start.From("default", true));
    }

    @Test
    void makesACandidateFromTheChampionWhereTheOriginIsAnUpstream() {
        assertThat(start("large", "v1")).isEqualTo(new Start.From("v1", true));
    }

    @Test
    void startsFromWhatAdaptersAreOf() throws IOException {
        publish("adapted", ArtefactKind.ADAPTER);
        assertThat(start("adapted", "adapted")).isEqualTo(new Start.From("default", true));
        assertThat(start("large", "adapted")).isEqualTo(new Start.From("default", true));
    }

    @Test
    void makesARewardModelAloneWhereTheChampionIsAnUpstream() {
        assertThat(start("large", "large")).isEqualTo(new Start.From("default", false));
        assertThat(start("v1", "large")).isEqualTo(new Start.From("default", false));
    }

    @Test
    void startsFromNothingButACheckpoint() throws IOException {
        store.remove("support", "default");
        publish("default", ArtefactKind.REWARD);
        assertThat(start("large", "large")).isInstanceOf(Start.Missing.class);
    }

    @Test
    void refusesAChampionThatIsNotThere() {
        assertThatThrownBy(() -> start("default", "v9")).hasMessage("version v9 of bot support is not in the store");
    }
}
