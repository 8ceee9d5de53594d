package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.trainer.external.ExternalConfig;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.release.KnownAnswer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RefreshPlanTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void isReadAsItWasWritten() throws IOException {
        TrainingConfig training = TrainingConfig.of(
                "lora",
                4,
                12.0,
                List.of("q_proj", "v_proj"),
                "cpu",
                "origin",
                Objective.RLOO,
                new BestOfN.Config(2, 30, 4),
                24,
                900,
                false,
                false);
        RefreshPlan plan = new RefreshPlan(
                Refresh.Order.first("support", "v2", "default", "v1", Refresh.Until.PUBLISH),
                new RefreshConfig(
                        7,
                        Duration.ofHours(3),
                        5,
                        3,
                        .9,
                        .95,
                        48,
                        6,
                        11,
                        42,
                        "base",
                        false,
                        training,
                        new ExternalConfig(List.of("train", "it"), Duration.ofHours(2), Duration.ofMinutes(1)),
                        List.of(new KnownAnswer("Where?", "Here.")),
                        3),
                1_234_567_890_123L);
        plan.write(directory.resolve("new/folder"));
        assertThat(RefreshPlan.read(directory.resolve("new/folder"))).contains(plan);
        assertThat(RefreshPlan.read(directory)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "kind, adapters",
        "rank, 0",
        "targets, k_norm",
        "rollouts, 0",
        "sample_tokens_max, 8",
        "warm_start, yesterday",
        "objective, grpo",
    })
    void refusesTrainingThatItDoesNotKnow(String setting, String value) {
        assertThatThrownBy(() -> TrainingConfig.of(
                        setting.equals("kind") ? value : null,
                        setting.equals("rank") ? Integer.valueOf(value) : null,
                        null,
                        setting.equals("targets") ? List.of(value) : null,
                        null,
                        setting.equals("warm_start") ? value : null,
                        setting.equals("objective") ? Objective.of(value) : null,
                        null,
                        setting.equals("rollouts") ? Integer.valueOf(value) : null,
                        setting.equals("sample_tokens_max") ? Integer.valueOf(value) : null,
                        null,
                        null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(value);
    }
}
