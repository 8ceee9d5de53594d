package dev.bellwether.trainer.model;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.StoredTensor;
import dev.bellwether.trainer.tensor.Torch;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A model read from its files layer by layer, so that one of any size is computed in the memory of its largest layer: what
 * serving is checked against when a checkpoint is imported.
 */
public final class StreamedTransformer {
    /** Rows of the head that are in memory at once. */
    private static final int HEAD_ROWS = 8_192;

    private final Checkpoint checkpoint;
    private final CheckpointConfig config;

    public StreamedTransformer(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.config = checkpoint.config();
    }

    /** Log-probabilities of the samples' reply tokens at temperature 1, one array each. */
    public List<float[]> logProbabilities(List<Sample> samples) {
        List<MicroBatch> rows =
                samples.stream().map(sample -> MicroBatch.of(List.of(sample))).toList();
        try (PointerScope whole = Torch.scope();
                NoGradGuard _ = new NoGradGuard();
                Transformer model = new Transformer(config)) {
            List<Tensor> states = new ArrayList<>();
            rows.forEach(row -> states.add(embedded(row)));
            for (int layer = 0; layer < config.layers(); layer++) {
                String prefix = "model.layers." + layer + ".";
                try (Weights weights = weights(shape -> shape.name().startsWith(prefix))) {
                    for (int i = 0; i < rows.size(); i++) {
                        Tensor before = states.get(i);
                        states.set(
                                i, model.layer(weights, layer, before, model.geometry(rows.get(i), ComputeDevice.CPU)));
                        whole.detach(before);
                    }
                }
            }
            try (Weights weights = weights(shape -> shape.name().equals("model.norm.weight"))) {
                states.replaceAll(state -> model.last(weights, state));
            }
            return scored(rows, states);
        }
    }

    private Weights weights(Predicate<TensorShape> wanted) {
        List<TensorShape> shapes = config.tensors().stream().filter(wanted).toList();
        return Weights.of(checkpoint, shapes, ComputeDevice.CPU);
    }

    /** The stored rows of the batch's tokens as float32. */
    private Tensor embedded(MicroBatch row) {
        try (Arena arena = Arena.ofConfined()) {
            Tensor stored = StoredTensor.mapped(
                    checkpoint.location(ModelTensors.EMBEDDINGS).orElseThrow(), arena);
            return torch.embedding(stored, row.ids(ComputeDevice.CPU)).to(ScalarType.Float);
        }
    }

    /** Of the last states; the head is taken in pieces. */
    private List<float[]> scored(List<MicroBatch> rows, List<Tensor> states) {
        String name = config.tiedEmbeddings() ? ModelTensors.EMBEDDINGS : ModelTensors.HEAD;
        List<Tensor> read = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            read.add(states.get(i).flatten(0, 1).index_select(0, rows.get(i).positions(ComputeDevice.CPU)));
        }
        Tensor all = torch.cat(new TensorVector(read.toArray(Tensor[]::new)), 0);
        List<Tensor> logits = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            Tensor head = StoredTensor.mapped(checkpoint.location(name).orElseThrow(), arena);
            for (int from = 0; from < config.vocabularySize(); from += HEAD_ROWS) {
                int count = Math.min(HEAD_ROWS, config.vocabularySize() - from);
                logits.add(torch.linear(all, head.narrow(0, from, count).to(ScalarType.Float)));
            }
        }
        Tensor whole = torch.cat(new TensorVector(logits.toArray(Tensor[]::new)), 1);
        Tensor normed = whole.sub(whole.logsumexp(new long[] {1}, true));
        List<float[]> found = new ArrayList<>();
        int from = 0;
        for (MicroBatch row : rows) {
            int count = row.replyTokens();
            Tensor own = normed.narrow(0, from, count).gather(1, row.targets(ComputeDevice.CPU));
            found.add(Torch.toArray(own.flatten()));
            from += count;
        }
        return found;
    }
}
