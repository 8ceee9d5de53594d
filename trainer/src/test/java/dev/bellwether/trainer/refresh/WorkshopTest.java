package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Event;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.model.Trained;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.Objective;
import dev.bellwether.trainer.release.Publication;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tiny models of random weights: where training begins. */
class WorkshopTest {
    private static final LoraConfig LORA = new LoraConfig(4, 8, List.of("q_proj", "down_proj"));

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(Path.of(""));

    @BeforeEach
    void publishTheOrigin() throws IOException {
        store = new PolicyStore(directory.resolve("store"));
        publish("origin", 1, 64);
    }

    private void publish(String version, long seed, int inner) throws IOException {
        Path model = Files.createDirectories(directory.resolve(version));
        CheckpointFiles.copyTokenizer(Path.of("../default-policy/artefact"), model);
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 4096, "hidden_size": 32, "intermediate_size": %d,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": true}
                """.formatted(inner));
        CheckpointConfig config = CheckpointConfig.read(model);
        try (Weights weights = Weights.random(config, seed, ComputeDevice.CPU)) {
            weights.write(model, config, NumberFormat.BF16);
        }
        new Publication(store)
                .publish(ArtefactLabel.added("desk", version, ArtefactKind.CHECKPOINT, Instant.EPOCH), model);
    }

    private void publishAdapters(String version, LoraConfig lora) throws IOException {
        publishAdapters(version, lora, _ -> {});
    }

    private void publishAdapters(String version, LoraConfig lora, Consumer<Weights> change) throws IOException {
        Checkpoint origin = store.open("desk", "origin");
        try (Weights base = Weights.of(origin, ComputeDevice.CPU);
                Weights adapters = base.trainable(origin.config(), Optional.of(lora), 9)) {
            change.accept(adapters);
            new Publication(store)
                    .publishAdapters(
                            new ArtefactLabel(
                                    "desk",
                                    version,
                                    ArtefactKind.ADAPTER,
                                    "origin",
                                    "origin",
                                    Instant.EPOCH,
                                    null,
                                    null),
                            origin.config(),
                            adapters,
                            origin.directory(),
                            LearnedFrom.users(Set.of()));
        }
    }

    private Workshop workshop(Trained kind) {
        return workshop(kind, "origin");
    }

    private Workshop workshop(Trained kind, String start) {
        return workshop(kind, start, 512, Snapshot.of(List.of(), List.of()));
    }

    private Workshop workshop(Trained kind, String start, int tokensMax, Snapshot snapshot) {
        RefreshConfig config = new RefreshConfig(
                1,
                Duration.ofDays(1),
                1,
                1,
                .7,
                1,
                32,
                1,
                15,
                1,
                "origin",
                true,
                new TrainingConfig(
                        kind, LORA, "cpu", true, Objective.PPO, BestOfN.Config.DEFAULT, 8, tokensMax, true, true),
                null,
                List.of(),
                10);
        return new Workshop(config, RewardConfig.DEFAULT, store.open("desk", start), snapshot);
    }

    @Test
    void goesOnFromAllWeightsOfTheChampion() throws IOException {
        publish("champion", 2, 64);
        publish("other", 3, 96);
        try (Workshop workshop = workshop(Trained.FULL);
                Weights champion = Weights.of(store.open("desk", "champion"), ComputeDevice.CPU);
                Weights found = workshop.trainable(store.open("desk", "champion"));
                Weights ofAnotherShape = workshop.trainable(store.open("desk", "other"))) {
            assertThat(found.toArray()).isEqualTo(champion.toArray());
            assertThat(ofAnotherShape.toArray()).isEqualTo(workshop.base().toArray());
        }
    }

    @Test
    void goesOnFromTheChampionsAdaptersWhereTheyAreSuchAsAreTrained() throws IOException {
        publishAdapters("champion", new LoraConfig(4, 8, List.of("down_proj", "q_proj")));
        publishAdapters("otherwise", new LoraConfig(4, 16, List.of("down_proj", "q_proj")));
        publish("merged", 4, 64);
        Checkpoint origin = store.open("desk", "origin");
        try (Workshop workshop = workshop(Trained.LORA);
                Weights taught = workshop.base().trainable(origin.config(), Optional.of(LORA), 9);
                Weights fresh = workshop.trainable();
                Weights found = workshop.trainable(store.open("desk", "champion"));
                Weights otherwise = workshop.trainable(store.open("desk", "otherwise"));
                Weights merged = workshop.trainable(store.open("desk", "merged"))) {
            assertThat(fresh.sameAs(taught)).isFalse();
            assertThat(found.toArray()).isEqualTo(taught.toArray());
            assertThat(otherwise.sameAs(fresh)).isTrue();
            assertThat(merged.sameAs(fresh)).isTrue();
        }
    }

    @Test
    void saysWhatIsTooLongToLearnFrom() {
        PreferencePair pair = new PreferencePair(
                Event.SCHEMA,
                "pair",
                "desk",
                List.of(new Message("user", "Where is my card? ".repeat(10))),
                new Response("It is on its way.", RefreshIT.interaction(1), "origin", 0),
                new Response("Read the terms.", RefreshIT.interaction(1), "origin", 1),
                Origin.DUEL,
                1,
                List.of("mia"),
                Source.END_USER,
                "conversation",
                1);
        Snapshot snapshot = Snapshot.of(List.of(pair), List.of());
        try (Workshop narrow = workshop(Trained.FULL, "origin", 40, snapshot);
                Workshop wide = workshop(Trained.FULL, "origin", 200, snapshot)) {
            assertThat(narrow.judgements().comparisons()).isEmpty();
            assertThat(narrow.leftOut())
                    .singleElement()
                    .asString()
                    .contains("1 pairs and 0 thumbs", "longer than 40 tokens");
            assertThat(wide.judgements().comparisons()).hasSize(1);
            assertThat(wide.leftOut()).isEmpty();
            assertThat(wide.tokensMax()).isEqualTo(200);
        }
    }

    @Test
    void putsTheAdaptersOfItsOriginOnOnce() throws IOException {
        publishAdapters("adapted", LORA, weights -> {
            try (PointerScope _ = Torch.scope();
                    NoGradGuard _ = new NoGradGuard()) {
                weights.vector().fill_(new Scalar(.05));
            }
        });
        Checkpoint adapted = store.open("desk", "adapted");
        try (Workshop workshop = workshop(Trained.LORA, "adapted");
                Weights begun = workshop.trainable(adapted);
                Weights merged = begun.merged(adapted.config());
                Weights served = Weights.of(adapted, ComputeDevice.CPU)) {
            assertThat(merged.toArray()).isEqualTo(served.toArray());
        }
    }
}
