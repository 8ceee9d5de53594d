package dev.bellwether.trainer.tensor;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors as safetensors files hold them. */
public final class StoredTensor {
    private StoredTensor() {}

    /** The tensor at {@code location} over the pages of its file, which are there as long as {@code arena}. */
    public static Tensor mapped(Checkpoint.Location location, Arena arena) {
        Safetensors.Entry entry = location.entry();
        Path file = location.file().file();
        long[] shape = entry.dimensions().stream().mapToLong(Long::longValue).toArray();
        try (FileChannel channel = FileChannel.open(file)) {
            MemorySegment pages = channel.map(FileChannel.MapMode.READ_ONLY, entry.offset(), entry.length(), arena);
            return torch.from_blob(new Torch.Address(pages), shape, ComputeDevice.CPU.options(type(entry.format())));
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(file, e);
        }
    }

    /** libtorch's name of {@code format}. */
    public static ScalarType type(NumberFormat format) {
        return switch (format) {
            case F32 -> ScalarType.Float;
            case F16 -> ScalarType.Half;
            case BF16 -> ScalarType.BFloat16;
        };
    }
}
