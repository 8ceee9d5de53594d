package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.RewardScale;
import java.io.IOException;
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
        store.publish(new ArtefactLabel("support", name, kind, null, base, Instant.EPOCH, null, scale), target -> {});
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
