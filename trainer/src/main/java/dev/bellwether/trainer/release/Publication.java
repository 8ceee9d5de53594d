package dev.bellwether.trainer.release;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.policy.engine.GoldenCases.GoldenCase;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Constants;
import dev.bellwether.trainer.model.Transformer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes a policy into the store: rounded weights, tokenizer, and golden cases computed from the rounded weights. */
public final class Publication {
    /** Serving and training differ by float32 rounding alone, since both compute in float32 on the CPU. */
    private static final double TOLERANCE = 0.01;

    private final PolicyStore store;
    private final NDManager manager;

    public Publication(PolicyStore store, NDManager manager) {
        this.store = store;
        this.manager = manager;
    }

    /**
     * Publishes {@code parameters}; the same version again changes nothing.
     *
     * @param tokenizerFrom directory whose tokenizer files go along
     * @param golden replies to keep as golden cases
     */
    public Path publish(
            ArtefactLabel label, CheckpointConfig config, float[] parameters, Path tokenizerFrom, List<Sample> golden)
            throws IOException {
        return store.publish(label, target -> {
            Checkpoint.write(target, config, parameters, NumberFormat.BF16);
            for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
                Files.copy(tokenizerFrom.resolve(name), target.resolve(name));
            }
            GoldenCases.write(target, goldenCases(Checkpoint.open(target), golden));
        });
    }

    private List<GoldenCase> goldenCases(Checkpoint checkpoint, List<Sample> samples) {
        List<GoldenCase> cases = new ArrayList<>();
        try (NDManager scratch = manager.newSubManager();
                Constants constants = new Constants(scratch);
                NDArray flat = scratch.create(checkpoint.parameters())) {
            Transformer model = new Transformer(checkpoint.config(), constants);
            NDList weights = model.split(flat);
            for (Sample sample : samples) {
                MicroBatch batch = MicroBatch.pack(List.of(sample), 1).getFirst();
                try (NDManager step = scratch.newSubManager()) {
                    NDArray hidden = model.hidden(weights, batch.ids(step), 1, batch.length());
                    float[] logProbabilities = model.logProbabilities(
                                    weights, hidden, batch.positions(step), batch.targets(step), 1)
                            .toFloatArray();
                    int[] prompt = Arrays.copyOf(sample.tokens(), sample.promptLength());
                    int[] reply = Arrays.copyOfRange(sample.tokens(), sample.promptLength(), sample.length());
                    cases.add(new GoldenCase(prompt, reply, logProbabilities, TOLERANCE));
                }
            }
        }
        return cases;
    }
}
