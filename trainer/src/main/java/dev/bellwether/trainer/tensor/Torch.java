package dev.bellwether.trainer.tensor;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * libtorch, through JavaCPP. Whatever makes a tensor comes by this class first, since its settings are read once, when
 * JavaCPP is loaded: so scopes are made here alone.
 *
 * <p>Tensors live in native memory. What a step makes belongs to the step's {@linkplain #scope() scope} and goes with it; what
 * lives longer is retained by its owner, and released there. What an operation in place gives back is borrowed from the
 * tensor that it changed.
 */
public final class Torch {
    private static final int PIECE_BYTES = 1 << 26;
    private static final Pattern VERSION = Pattern.compile("TORCH_VERSION=([\\w.]+)");

    static {
        Environment.preset("GOMP_SPINCOUNT", "3000");
        Environment.preset("OPENBLAS_THREAD_TIMEOUT", "4");
        // By these JavaCPP would end a process that is larger than its heap, as every process with large models is.
        preset("org.bytedeco.javacpp.maxBytes", "0");
        preset("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        preset("org.bytedeco.javacpp.logger", "slf4j");
        if (there("/org/bytedeco/mkl/linux-x86_64/libjnimkl_rt.so")) {
            preset("org.bytedeco.openblas.load", "mkl");
        }
        if (there("/org/bytedeco/pytorch/linux-x86_64-gpu/libjnitorch.so")) {
            preset("org.bytedeco.javacpp.platform.extension", "-gpu");
        }
    }

    private Torch() {}

    /** A scope to which the tensors belong that are made in it. */
    public static PointerScope scope() {
        return new PointerScope();
    }

    /** Loads libtorch with its settings, unless it is loaded. */
    static void load() {
        try (PointerScope _ = scope()) {
            // The matrix library is chosen at the first product.
            Tensor one = torch.ones(2, 2);
            torch.matmul(one, one);
            // The machine's cuDNN may be older than the one that its attention was written for, which ends the process.
            torch.globalContext().setSDPUseCuDNN(false);
        }
    }

    private static void preset(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private static boolean there(String resource) {
        return Torch.class.getResource(resource) != null;
    }

    /** Whether the library that is loaded was built for GPUs. */
    public static boolean builtForGpus() {
        return torch.show_config().getString().contains("USE_CUDA=1");
    }

    /** What multiplies matrices on the processor, by what is loaded. */
    public static String matrixLibrary() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.anyMatch(line -> line.contains("libmkl_core")) ? "MKL" : "OpenBLAS";
        }
    }

    public static String version() {
        Matcher version = VERSION.matcher(torch.show_config().getString());
        return version.find() ? version.group(1) : "of an unknown version";
    }

    /** An address that some other library knows, for {@code from_blob}. */
    static final class Address extends Pointer {
        Address(MemorySegment memory) {
            address = memory.address();
        }
    }

    /** {@code values} as int64 on {@code device}. */
    public static Tensor longs(ComputeDevice device, long[] values, long... shape) {
        return device.moved(AbstractTensor.create(values, shape));
    }

    /** {@code values} as float32 on {@code device}. */
    public static Tensor floats(ComputeDevice device, float[] values, long... shape) {
        return device.moved(AbstractTensor.create(values, shape));
    }

    /** {@code values} on {@code device}. */
    public static Tensor booleans(ComputeDevice device, boolean[] values, long... shape) {
        return device.moved(AbstractTensor.create(values, shape));
    }

    /** The numbers of a tensor in row-major order; waits for the device. */
    public static float[] toArray(Tensor tensor) {
        try (PointerScope _ = scope()) {
            float[] values = new float[Math.toIntExact(tensor.numel())];
            if (values.length > 0) {
                tensor.detach()
                        .to(ScalarType.Float)
                        .cpu()
                        .contiguous()
                        .<FloatBuffer>createBuffer()
                        .get(values);
            }
            return values;
        }
    }

    /** The memory of a contiguous tensor, as long as the tensor is there; a GPU's is not to be read or written here. */
    @SuppressWarnings("restricted")
    public static MemorySegment memory(Tensor tensor) {
        return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
    }

    /** The same in pieces, as channels take it. */
    public static List<ByteBuffer> bytes(Tensor tensor) {
        MemorySegment whole = memory(tensor);
        List<ByteBuffer> pieces = new ArrayList<>();
        for (long at = 0; at < whole.byteSize(); at += PIECE_BYTES) {
            pieces.add(whole.asSlice(at, Math.min(PIECE_BYTES, whole.byteSize() - at))
                    .asByteBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN));
        }
        return pieces;
    }

    /** Writes the memory of a contiguous tensor on the processor. */
    public static void write(Tensor tensor, WritableByteChannel channel) throws IOException {
        for (ByteBuffer piece : bytes(tensor)) {
            while (piece.hasRemaining()) {
                channel.write(piece);
            }
        }
    }
}
