package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.ppo.Ppo;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a refresh has finished so far, as files of its folder: each is written whole under another name, forced to
 * disk, renamed, and ends with its checksum.
 */
final class Stages {
    private static final Logger LOG = LoggerFactory.getLogger(Stages.class);
    private static final String PPO = "ppo-";

    private final Path directory;

    Stages(Path directory) {
        this.directory = directory;
    }

    private interface Content {
        void write(DataOutputStream out) throws IOException;
    }

    void save(String name, float[] numbers, double... more) throws IOException {
        write(name, out -> {
            floats(out, numbers);
            out.writeInt(more.length);
            for (double each : more) {
                out.writeDouble(each);
            }
        });
    }

    /** A saved vector and the numbers beside it. */
    record Saved(float[] numbers, double[] more) {}

    /** What was saved; nothing where it was not, or is damaged and has to be made again. */
    Optional<Saved> load(String name) {
        Path file = directory.resolve(name);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (CheckedFile in = new CheckedFile(file)) {
            float[] numbers = floats(in.data);
            double[] more = new double[in.data.readInt()];
            for (int i = 0; i < more.length; i++) {
                more[i] = in.data.readDouble();
            }
            in.verify();
            return Optional.of(new Saved(numbers, more));
        } catch (IOException e) {
            LOG.warn("{} is damaged and made again: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Keeps the last two states of PPO, so that a damaged one leaves the one before. */
    void savePpo(Ppo.State state) throws IOException {
        write(ppoName(state.step()), out -> {
            out.writeInt(state.step());
            for (Parameters.State each : List.of(state.actor(), state.critic())) {
                out.writeInt(each.steps());
                floats(out, each.master());
                floats(out, each.momentum());
                floats(out, each.variance());
            }
        });
        List<Path> saved = savedPpo();
        for (Path old : saved.subList(0, Math.max(0, saved.size() - 2))) {
            Files.delete(old);
        }
    }

    /** The last state that is whole. */
    Optional<Ppo.State> loadPpo() throws IOException {
        List<Path> saved = new ArrayList<>(savedPpo());
        while (!saved.isEmpty()) {
            try {
                return Optional.of(ppo(saved.removeLast()));
            } catch (IOException e) {
                LOG.warn("a checkpoint is damaged, the one before is used: {}", e.getMessage());
            }
        }
        return Optional.empty();
    }

    /** The state before {@code step}, while it is one of the two that are kept. */
    Optional<Ppo.State> loadPpo(int step) throws IOException {
        Path file = directory.resolve(ppoName(step));
        return Files.exists(file) ? Optional.of(ppo(file)) : Optional.empty();
    }

    private static Ppo.State ppo(Path file) throws IOException {
        try (CheckedFile in = new CheckedFile(file)) {
            int step = in.data.readInt();
            Ppo.State state = new Ppo.State(parameters(in.data), parameters(in.data), step);
            in.verify();
            return state;
        }
    }

    private static String ppoName(int step) {
        return PPO + "%05d".formatted(step);
    }

    private List<Path> savedPpo() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> String.valueOf(file.getFileName()).matches(PPO + "\\d+"))
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        }
    }

    private static Parameters.State parameters(DataInputStream in) throws IOException {
        int steps = in.readInt();
        return new Parameters.State(floats(in), floats(in), floats(in), steps);
    }

    private static void floats(DataOutputStream out, float[] numbers) throws IOException {
        out.writeInt(numbers.length);
        ByteBuffer buffer = ByteBuffer.allocate(numbers.length * 4);
        buffer.asFloatBuffer().put(numbers);
        out.write(buffer.array());
    }

    private static float[] floats(DataInputStream in) throws IOException {
        float[] numbers = new float[in.readInt()];
        byte[] bytes = in.readNBytes(numbers.length * 4);
        if (bytes.length < numbers.length * 4) {
            throw new IOException("the file ends too early");
        }
        ByteBuffer.wrap(bytes).asFloatBuffer().get(numbers);
        return numbers;
    }

    private void write(String name, Content content) throws IOException {
        Files.createDirectories(directory);
        Path unfinished = directory.resolve(name + ".unfinished");
        CRC32C checksum = new CRC32C();
        try (DataOutputStream out = new DataOutputStream(new CheckedOutputStream(
                new BufferedOutputStream(Files.newOutputStream(unfinished), 1 << 20), checksum))) {
            content.write(out);
            out.writeLong(checksum.getValue());
        }
        try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(
                unfinished,
                directory.resolve(name),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private static final class CheckedFile implements AutoCloseable {
        private final CRC32C checksum = new CRC32C();
        private final DataInputStream data;
        private final Path file;

        private CheckedFile(Path file) throws IOException {
            this.file = file;
            this.data = new DataInputStream(
                    new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 20), checksum));
        }

        private void verify() throws IOException {
            long expected = checksum.getValue();
            if (data.readLong() != expected) {
                throw new IOException("%s has a wrong checksum".formatted(file));
            }
        }

        @Override
        public void close() throws IOException {
            data.close();
        }
    }
}
