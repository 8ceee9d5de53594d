package dev.bellwether.trainer.dataset;

import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Samples of like length, padded on the right to one, with the positions of their replies' tokens.
 *
 * <p>The reply tokens of all samples are numbered through: those of sample {@code i} are
 * {@code [offset(i), offset(i + 1))}.
 */
public final class MicroBatch {
    private static final int LENGTH_MULTIPLE = 8;

    private final List<Sample> samples;
    private final int[] indexes;
    private final int length;
    private final int[] offsets;

    private MicroBatch(List<Sample> samples, int[] indexes) {
        this.samples = samples;
        this.indexes = indexes;
        int longest = samples.stream().mapToInt(Sample::length).max().orElseThrow();
        this.length = (longest + LENGTH_MULTIPLE - 1) / LENGTH_MULTIPLE * LENGTH_MULTIPLE;
        this.offsets = new int[samples.size() + 1];
        for (int i = 0; i < samples.size(); i++) {
            offsets[i + 1] = offsets[i] + samples.get(i).replyLength();
        }
    }

    /** All samples in batches of at most {@code tokensMax} padded tokens (or one sample), shortest first. */
    public static List<MicroBatch> pack(List<Sample> samples, int tokensMax) {
        return packTogether(
                samples, IntStream.range(0, samples.size()).mapToObj(List::of).toList(), tokensMax);
    }

    /**
     * As {@link #pack}, with the samples of a group always in the same batch, which may then hold one group alone.
     *
     * @param groups of indexes into {@code samples}
     */
    public static List<MicroBatch> packTogether(List<Sample> samples, List<List<Integer>> groups, int tokensMax) {
        ToIntFunction<List<Integer>> longest = group ->
                group.stream().mapToInt(i -> samples.get(i).length()).max().orElse(0);
        List<List<Integer>> order =
                groups.stream().sorted(Comparator.comparingInt(longest)).toList();
        List<MicroBatch> batches = new ArrayList<>();
        List<Integer> current = new ArrayList<>();
        for (List<Integer> group : order) {
            int padded = longest.applyAsInt(group) + LENGTH_MULTIPLE - 1;
            if (!current.isEmpty() && (current.size() + group.size()) * padded > tokensMax) {
                batches.add(of(samples, current));
                current = new ArrayList<>();
            }
            current.addAll(group);
        }
        if (!current.isEmpty()) {
            batches.add(of(samples, current));
        }
        return batches;
    }

    /** All of {@code samples} in one batch, in their order. */
    public static MicroBatch of(List<Sample> samples) {
        return of(samples, IntStream.range(0, samples.size()).boxed().toList());
    }

    private static MicroBatch of(List<Sample> samples, List<Integer> indexes) {
        return new MicroBatch(
                indexes.stream().map(samples::get).toList(),
                indexes.stream().mapToInt(Integer::intValue).toArray());
    }

    public Sample sample(int row) {
        return samples.get(row);
    }

    public int size() {
        return samples.size();
    }

    /** Padded length of every row. */
    public int length() {
        return length;
    }

    public int replyTokens() {
        return offsets[samples.size()];
    }

    public int offset(int row) {
        return offsets[row];
    }

    /** Which of the packed list's samples row {@code row} is. */
    public int index(int row) {
        return indexes[row];
    }

    /** {@code [size, length]} int64. */
    public Tensor ids(ComputeDevice device) {
        long[] ids = new long[samples.size() * length];
        for (int row = 0; row < samples.size(); row++) {
            int[] tokens = samples.get(row).tokens();
            for (int t = 0; t < tokens.length; t++) {
                ids[row * length + t] = tokens[t];
            }
        }
        return Torch.longs(device, ids, size(), length);
    }

    /** {@code [replyTokens]} int64: for every reply token, the row of the state that predicts it. */
    public Tensor positions(ComputeDevice device) {
        long[] positions = new long[replyTokens()];
        for (int row = 0, k = 0; row < samples.size(); row++) {
            Sample sample = samples.get(row);
            for (int t = sample.promptLength() - 1; t < sample.length() - 1; t++) {
                positions[k++] = (long) row * length + t;
            }
        }
        return Torch.longs(device, positions, positions.length);
    }

    /** {@code [replyTokens, 1]} int64: the reply tokens themselves. */
    public Tensor targets(ComputeDevice device) {
        long[] targets = new long[replyTokens()];
        int k = 0;
        for (Sample sample : samples) {
            for (int t = sample.promptLength(); t < sample.length(); t++) {
                targets[k++] = sample.tokens()[t];
            }
        }
        return Torch.longs(device, targets, targets.length, 1);
    }

    /** {@code [size, size * length]}: multiplied with hidden states it gives each reply's mean state. */
    public Tensor meanOfReply(ComputeDevice device) {
        int columns = samples.size() * length;
        float[] weights = new float[samples.size() * columns];
        for (int row = 0; row < samples.size(); row++) {
            Sample sample = samples.get(row);
            for (int t = sample.promptLength(); t < sample.length(); t++) {
                weights[row * columns + row * length + t] = 1f / sample.replyLength();
            }
        }
        return Torch.floats(device, weights, samples.size(), columns);
    }

    /** {@code [replyTokens, replyTokens]}: multiplied with a number for each reply token it gives their mean so far. */
    public Tensor meanSoFar(ComputeDevice device) {
        int columns = replyTokens();
        float[] weights = new float[columns * columns];
        for (int row = 0; row < samples.size(); row++) {
            for (int t = offsets[row]; t < offsets[row + 1]; t++) {
                Arrays.fill(weights, t * columns + offsets[row], t * columns + t + 1, 1f / (t + 1 - offsets[row]));
            }
        }
        return Torch.floats(device, weights, columns, columns);
    }

    /** {@code [size]} int64: the row of each sample's last token. */
    public Tensor lastTokens(ComputeDevice device) {
        long[] rows = IntStream.range(0, samples.size())
                .mapToLong(row -> (long) row * length + samples.get(row).length() - 1)
                .toArray();
        return Torch.longs(device, rows, rows.length);
    }
}
