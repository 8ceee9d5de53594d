package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.objective.PolicyTraining;
import dev.bellwether.trainer.reward.Savepoint;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a refresh has finished so far, as files of its folder: each is written whole under another name, forced to
 * disk, renamed, and ends with its checksum.
 *
 * <p>A file is a number of numbers, those (float64), a number of vectors, their lengths (int64), the vectors (float32) and
 * CRC-32C, all low byte first. Vectors pass between disk and native memory in pieces.
 */
final class Stages {
    private static final Logger LOG = LoggerFactory.getLogger(Stages.class);
    private static final String POLICY = "policy-";
    private static final String SAVED =
            "(reward|judge|distilled|sharpened|actor|%s\\d+)(-from-.*)?([.]training)?([.]unfinished)?"
                    .formatted(POLICY);
    private static final String TRAINING = ".training";

    /** How often a training inside a stage is saved, and how many times as long as saving takes it waits at least. */
    private static final Duration SAVED_EVERY = Duration.ofSeconds(5);

    private static final int SAVING_SHARE = 20;
    private static final int CHECKSUM_BYTES = Long.BYTES;

    private final Path directory;

    Stages(Path directory) {
        this.directory = directory;
    }

    void save(String name, Tensor vector, double... numbers) throws IOException {
        save(name, List.of(vector), numbers);
    }

    /** The numbers beside a saved vector, which is in {@code vector} then; nothing where it has to be made again. */
    Optional<double[]> load(String name, Tensor vector) {
        return load(name, List.of(vector));
    }

    /** The numbers alone. */
    Optional<double[]> load(String name) {
        return load(name, List.of());
    }

    private Optional<double[]> load(String name, List<Tensor> vectors) {
        Path file = directory.resolve(name);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(load(file, vectors));
        } catch (IOException e) {
            LOG.warn("{} is damaged and made again: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Deletes all that was saved, finished or not. */
    void delete() throws IOException {
        for (Path file : files(SAVED)) {
            Files.delete(file);
        }
    }

    /** Where the training stands that ends in what is saved as {@code name}. */
    Savepoint savepoint(String name) {
        return new Savepoint() {
            private long next = System.nanoTime() + SAVED_EVERY.toNanos();

            @Override
            public Optional<double[]> restore(Parameters parameters) {
                Optional<double[]> numbers = load(name + TRAINING, vectors(parameters));
                numbers.ifPresent(saved -> parameters.resumeAfter((int) saved[saved.length - 1]));
                return numbers.map(saved -> Arrays.copyOf(saved, saved.length - 1));
            }

            @Override
            public boolean due() {
                return System.nanoTime() - next >= 0;
            }

            @Override
            public void save(Parameters parameters, double... numbers) throws IOException {
                long begun = System.nanoTime();
                double[] all = Arrays.copyOf(numbers, numbers.length + 1);
                all[numbers.length] = parameters.steps();
                Stages.this.save(name + TRAINING, vectors(parameters), all);
                long took = System.nanoTime() - begun;
                next = System.nanoTime() + Math.max(SAVED_EVERY.toNanos(), SAVING_SHARE * took);
            }
        };
    }

    /** Deletes what all trainings inside stages kept: they begin anew. */
    void deleteSavepoints() throws IOException {
        for (Path file : files(SAVED)) {
            if (String.valueOf(file.getFileName()).endsWith(TRAINING)) {
                Files.delete(file);
            }
        }
    }

    /** Deletes what a {@link #savepoint} kept, once its training has come to its end. */
    void deleteSavepoint(String name) throws IOException {
        Files.deleteIfExists(directory.resolve(name + TRAINING));
    }

    /** Keeps the last two states of a policy's training, so that a damaged one leaves the one before. */
    void savePolicy(PolicyTraining training, int step) throws IOException {
        double[] steps = Stream.concat(
                        Stream.of((double) step), training.trained().stream().map(each -> (double) each.steps()))
                .mapToDouble(Double::doubleValue)
                .toArray();
        save(policyName(step), vectors(training), steps);
        List<Path> saved = savedPolicies();
        for (Path old : saved.subList(0, Math.max(0, saved.size() - 2))) {
            Files.delete(old);
        }
    }

    /** Takes {@code training} to the last state that is whole; gives its step, 0 where there is none. */
    int restorePolicy(PolicyTraining training) throws IOException {
        List<Path> saved = new ArrayList<>(savedPolicies());
        while (!saved.isEmpty()) {
            try {
                return restore(training, saved.removeLast());
            } catch (IOException e) {
                LOG.warn("a checkpoint is damaged, the one before is used: {}", e.getMessage());
            }
        }
        return 0;
    }

    /**
     * Goes on behind {@code step} as if neither it nor the update before it had been: what that led to was out of bounds.
     *
     * @return false where no update stands before it any more, and the policy stays as it is
     */
    boolean undoPolicy(PolicyTraining training, int step) throws IOException {
        Path before = directory.resolve(policyName(step - 1));
        Path now = directory.resolve(policyName(step));
        boolean back = Files.exists(before);
        restore(training, back ? before : now);
        if (back) {
            // First: a later step that is undone must not find it again.
            Files.deleteIfExists(now);
        }
        List<Path> undone = savedPolicies();
        savePolicy(training, step + 1);
        for (Path each : undone) {
            Files.deleteIfExists(each);
        }
        return back;
    }

    private static int restore(PolicyTraining training, Path file) throws IOException {
        double[] numbers = load(file, vectors(training));
        for (int i = 0; i < training.trained().size(); i++) {
            training.trained().get(i).resumeAfter((int) numbers[i + 1]);
        }
        return (int) numbers[0];
    }

    private static List<Tensor> vectors(PolicyTraining training) {
        List<Tensor> vectors = new ArrayList<>();
        training.trained().forEach(each -> vectors.addAll(vectors(each)));
        return vectors;
    }

    private static List<Tensor> vectors(Parameters parameters) {
        return List.of(parameters.weights().vector(), parameters.momentum(), parameters.variance());
    }

    private static String policyName(int step) {
        return POLICY + "%05d".formatted(step);
    }

    private List<Path> savedPolicies() throws IOException {
        return files(POLICY + "\\d+");
    }

    private List<Path> files(String pattern) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> String.valueOf(file.getFileName()).matches(pattern))
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        }
    }

    private void save(String name, List<Tensor> vectors, double... numbers) throws IOException {
        Files.createDirectories(directory);
        Path unfinished = directory.resolve(name + ".unfinished");
        CRC32C checksum = new CRC32C();
        try (FileChannel channel = FileChannel.open(
                        unfinished,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE);
                PointerScope _ = Torch.scope()) {
            append(channel, header(vectors, numbers), checksum);
            for (Tensor vector : vectors) {
                for (ByteBuffer piece : Torch.bytes(vector.cpu())) {
                    append(channel, piece, checksum);
                }
            }
            ByteBuffer end = little(CHECKSUM_BYTES).putLong(checksum.getValue()).flip();
            append(channel, end, new CRC32C());
            channel.force(true);
        }
        Files.move(
                unfinished,
                directory.resolve(name),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private static ByteBuffer header(List<Tensor> vectors, double... numbers) {
        ByteBuffer header = little(2 * Integer.BYTES + numbers.length * Double.BYTES + vectors.size() * Long.BYTES);
        header.putInt(numbers.length);
        for (double number : numbers) {
            header.putDouble(number);
        }
        header.putInt(vectors.size());
        vectors.forEach(vector -> header.putLong(vector.numel()));
        return header.flip();
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void append(FileChannel channel, ByteBuffer bytes, CRC32C checksum) throws IOException {
        checksum.update(bytes.duplicate());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Fills {@code vectors} from a file whose checksum is right and whose vectors are as long; else changes nothing. */
    private static double[] load(Path file, List<Tensor> vectors) throws IOException {
        try (FileChannel channel = FileChannel.open(file);
                PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            verify(file, channel);
            double[] numbers = new double[read(channel, Integer.BYTES).getInt()];
            ByteBuffer stored = read(channel, numbers.length * Double.BYTES);
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = stored.getDouble();
            }
            int count = read(channel, Integer.BYTES).getInt();
            ByteBuffer lengths = read(channel, count * Long.BYTES);
            for (Tensor vector : vectors) {
                if (!lengths.hasRemaining() || lengths.getLong() != vector.numel()) {
                    throw new IOException("%s is of another model".formatted(file));
                }
            }
            for (Tensor vector : vectors) {
                Tensor here = vector.cpu();
                for (ByteBuffer piece : Torch.bytes(here)) {
                    fill(channel, piece);
                }
                vector.copy_(here);
            }
            return numbers;
        }
    }

    private static void verify(Path file, FileChannel channel) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer piece = ByteBuffer.allocateDirect(1 << 20);
        long left = channel.size() - CHECKSUM_BYTES;
        if (left < 2 * Integer.BYTES) {
            throw new IOException("%s ends too early".formatted(file));
        }
        while (left > 0) {
            piece.clear().limit((int) Math.min(piece.capacity(), left));
            fill(channel, piece);
            checksum.update(piece.flip());
            left -= piece.limit();
        }
        if (read(channel, CHECKSUM_BYTES).getLong() != checksum.getValue()) {
            throw new IOException("%s has a wrong checksum".formatted(file));
        }
        channel.position(0);
    }

    private static ByteBuffer read(FileChannel channel, int bytes) throws IOException {
        ByteBuffer buffer = little(bytes);
        fill(channel, buffer);
        return buffer.flip();
    }

    private static void fill(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new IOException("the file ends too early");
            }
        }
    }
}
