package dev.bellwether.trainer.dataset;

import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Samples of like length, padded on the right to one, with the positions of their replies' tokens.
 *
 * <p>A row is a prompt and the replies to it, one behind the other: those of one prompt that were packed together share it,
 * and none sees another. The reply tokens of all samples are numbered through: those of sample {@code i} are
 * {@code [offset(i), offset(i + 1))}.
 */
public final class MicroBatch {
    private static final int LENGTH_MULTIPLE = 8;
    private static final int NEIGHBOURS_MAX = 4;

    private final List<Sample> samples = new ArrayList<>();
    private final int[] indexes;

    /** The row of each sample. */
    private final int[] rows;

    /** Where in its row each sample's reply begins. */
    private final int[] starts;

    private final int rowCount;
    private final int length;
    private final int[] offsets;

    /**
     * @param shared for each row indexes into {@code all} of samples that have one prompt
     */
    private MicroBatch(List<Sample> all, List<List<Integer>> shared) {
        this.indexes = shared.stream()
                .flatMap(List::stream)
                .mapToInt(Integer::intValue)
                .toArray();
        this.rows = new int[indexes.length];
        this.starts = new int[indexes.length];
        this.offsets = new int[indexes.length + 1];
        this.rowCount = shared.size();
        int longest = 0;
        for (int row = 0; row < rowCount; row++) {
            int end = 0;
            for (int index : shared.get(row)) {
                Sample sample = all.get(index);
                int i = samples.size();
                samples.add(sample);
                rows[i] = row;
                starts[i] = Math.max(end, sample.promptLength());
                end = starts[i] + sample.replyLength();
                offsets[i + 1] = offsets[i] + sample.replyLength();
            }
            longest = Math.max(longest, end);
        }
        this.length = (longest + LENGTH_MULTIPLE - 1) / LENGTH_MULTIPLE * LENGTH_MULTIPLE;
    }

    /**
     * All samples in batches of at most {@code tokensMax} padded tokens (or one sample), shortest first. Up to four that stand one
     * behind the other and have one prompt share it, as far as they fit.
     */
    public static List<MicroBatch> pack(List<Sample> samples, int tokensMax) {
        List<List<Integer>> groups = new ArrayList<>();
        int[] prompt = {};
        int length = 0;
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            boolean joins = i > 0
                    && groups.getLast().size() < NEIGHBOURS_MAX
                    && length + sample.replyLength() + LENGTH_MULTIPLE - 1 <= tokensMax
                    && Arrays.equals(sample.prompt(), prompt);
            if (!joins) {
                groups.add(new ArrayList<>());
                prompt = sample.prompt();
                length = prompt.length;
            }
            groups.getLast().add(i);
            length += sample.replyLength();
        }
        return packTogether(samples, groups, tokensMax);
    }

    /**
     * As {@link #pack}, with the samples of a group always in the same batch, which may then hold one group alone; those
     * of a group that have one prompt share it.
     *
     * @param groups of indexes into {@code samples}
     */
    public static List<MicroBatch> packTogether(List<Sample> samples, List<List<Integer>> groups, int tokensMax) {
        List<List<List<Integer>>> order = groups.stream()
                .map(group -> shared(samples, group))
                .sorted(Comparator.comparingInt(group -> longest(samples, group)))
                .toList();
        List<MicroBatch> batches = new ArrayList<>();
        List<List<Integer>> current = new ArrayList<>();
        for (List<List<Integer>> group : order) {
            int padded = longest(samples, group) + LENGTH_MULTIPLE - 1;
            if (!current.isEmpty() && (current.size() + group.size()) * padded > tokensMax) {
                batches.add(new MicroBatch(samples, current));
                current = new ArrayList<>();
            }
            current.addAll(group);
        }
        if (!current.isEmpty()) {
            batches.add(new MicroBatch(samples, current));
        }
        return batches;
    }

    /** A group as one row where all its prompts are the same, else each sample as a row. */
    private static List<List<Integer>> shared(List<Sample> samples, List<Integer> group) {
        int[] prompt = samples.get(group.getFirst()).prompt();
        return group.stream().allMatch(i -> Arrays.equals(samples.get(i).prompt(), prompt))
                ? List.of(group)
                : group.stream().map(List::of).toList();
    }

    /** Tokens of the longest row. */
    private static int longest(List<Sample> samples, List<List<Integer>> group) {
        return group.stream()
                .mapToInt(row -> samples.get(row.getFirst()).promptLength()
                        + row.stream()
                                .mapToInt(i -> samples.get(i).replyLength())
                                .sum())
                .max()
                .orElse(0);
    }

    /** All of {@code samples} in one batch, in their order, a row each. */
    public static MicroBatch of(List<Sample> samples) {
        return new MicroBatch(
                samples, IntStream.range(0, samples.size()).mapToObj(List::of).toList());
    }

    public Sample sample(int i) {
        return samples.get(i);
    }

    /** Number of samples. */
    public int size() {
        return samples.size();
    }

    /** Number of rows; fewer than samples where some share a prompt. */
    public int rows() {
        return rowCount;
    }

    /** Padded length of every row. */
    public int length() {
        return length;
    }

    public int replyTokens() {
        return offsets[samples.size()];
    }

    public int offset(int i) {
        return offsets[i];
    }

    /** Which of the packed list's samples sample {@code i} is. */
    public int index(int i) {
        return indexes[i];
    }

    /** Whether a row has more than one reply, which {@link #places} and {@link #seen} keep apart. */
    public boolean sharesPrompts() {
        return rowCount < samples.size();
    }

    /** {@code [rows * length]} int64: each token's place in its own sample, which its rotation follows from. */
    public Tensor places(ComputeDevice device) {
        long[] places = new long[rowCount * length];
        for (int at = 0; at < places.length; at++) {
            places[at] = at % length;
        }
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            for (int t = 0; t < sample.replyLength(); t++) {
                places[rows[i] * length + starts[i] + t] = (long) sample.promptLength() + t;
            }
        }
        return Torch.longs(device, places, places.length);
    }

    /** {@code [rows, 1, length, length]} bool: whether a token sees another, of its own sample and before it. */
    public Tensor seen(ComputeDevice device) {
        boolean[] seen = new boolean[rowCount * length * length];
        for (int row = 0; row < rowCount; row++) {
            for (int t = 0; t < length; t++) {
                int from = (row * length + t) * length;
                Arrays.fill(seen, from, from + t + 1, true);
            }
        }
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            for (int t = starts[i]; t < starts[i] + sample.replyLength(); t++) {
                int from = (rows[i] * length + t) * length;
                Arrays.fill(seen, from + sample.promptLength(), from + starts[i], false);
            }
        }
        return Torch.booleans(device, seen, rowCount, 1, length, length);
    }

    /** {@code [rows, length]} int64. */
    public Tensor ids(ComputeDevice device) {
        long[] ids = new long[rowCount * length];
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            int row = rows[i] * length;
            for (int t = 0; t < sample.promptLength(); t++) {
                ids[row + t] = sample.tokens()[t];
            }
            for (int t = 0; t < sample.replyLength(); t++) {
                ids[row + starts[i] + t] = sample.tokens()[sample.promptLength() + t];
            }
        }
        return Torch.longs(device, ids, rowCount, length);
    }

    /** {@code [replyTokens]} int64: for every reply token, the row of the state that predicts it. */
    public Tensor positions(ComputeDevice device) {
        long[] positions = new long[replyTokens()];
        for (int i = 0, k = 0; i < samples.size(); i++) {
            long row = (long) rows[i] * length;
            for (int t = 0; t < samples.get(i).replyLength(); t++) {
                positions[k++] = row + (t == 0 ? samples.get(i).promptLength() : starts[i] + t) - 1;
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

    /** {@code [size, rows * length]}: multiplied with hidden states it gives each reply's mean state. */
    public Tensor meanOfReply(ComputeDevice device) {
        int columns = rowCount * length;
        float[] weights = new float[samples.size() * columns];
        for (int i = 0; i < samples.size(); i++) {
            int from = i * columns + rows[i] * length + starts[i];
            int count = samples.get(i).replyLength();
            Arrays.fill(weights, from, from + count, 1f / count);
        }
        return Torch.floats(device, weights, samples.size(), columns);
    }

    /** {@code [replyTokens, replyTokens]}: multiplied with a number for each reply token it gives their mean so far. */
    public Tensor meanSoFar(ComputeDevice device) {
        int columns = replyTokens();
        float[] weights = new float[columns * columns];
        for (int i = 0; i < samples.size(); i++) {
            for (int t = offsets[i]; t < offsets[i + 1]; t++) {
                Arrays.fill(weights, t * columns + offsets[i], t * columns + t + 1, 1f / (t + 1 - offsets[i]));
            }
        }
        return Torch.floats(device, weights, columns, columns);
    }

    /** {@code [size]} int64: the row of each sample's last token. */
    public Tensor lastTokens(ComputeDevice device) {
        long[] last = IntStream.range(0, samples.size())
                .mapToLong(i ->
                        (long) rows[i] * length + starts[i] + samples.get(i).replyLength() - 1)
                .toArray();
        return Torch.longs(device, last, last.length);
    }
}
