package dev.bellwether.trainer.tensor;

import dev.bellwether.policy.onnx.CudaDriver;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Where tensors are computed.
 *
 * @param kind processor or GPU
 * @param index which GPU; 0 for the processor
 * @param why it was taken, in words
 */
public record ComputeDevice(Kind kind, int index, String why) {
    public static final ComputeDevice CPU = new ComputeDevice(Kind.CPU, 0, "it is the setting");

    static {
        // Every tensor asks for its device first.
        Torch.load();
    }

    private static final long BATCH_TOKENS_OF_GPU_MAX = 1 << 14;

    /** Of a GPU's memory, for a token of a batch. */
    private static final long BYTES_PER_TOKEN = 8L << 20;

    private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d+))?");

    /** What computes. */
    public enum Kind {
        CPU,
        CUDA
    }

    /**
     * The device of a setting: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}.
     *
     * @throws IllegalArgumentException when it is none of these, or the GPU does not answer
     */
    public static ComputeDevice of(String setting) {
        if (setting.equals("cpu")) {
            return CPU;
        }
        int devices = gpus();
        if (setting.equals("auto")) {
            return devices > 0
                    ? new ComputeDevice(Kind.CUDA, 0, "libtorch finds %d GPU(s)".formatted(devices))
                    : new ComputeDevice(Kind.CPU, 0, "libtorch finds no GPU");
        }
        Matcher cuda = CUDA.matcher(setting);
        if (!cuda.matches()) {
            throw new IllegalArgumentException("device is auto, cpu or cuda:N, not '%s'".formatted(setting));
        }
        int index = cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1));
        if (index >= devices) {
            throw new IllegalArgumentException(
                    "device is %s, but libtorch %s finds %d GPU(s); `./bellwether doctor` says more"
                            .formatted(setting, Torch.version(), devices));
        }
        return new ComputeDevice(Kind.CUDA, index, "it is the setting");
    }

    /** GPUs that libtorch can compute on. */
    public static int gpus() {
        return torch.cuda_is_available() ? torch.cuda_device_count() : 0;
    }

    /** Padded tokens that are computed together: a GPU is idle with as few as a processor takes. */
    public int batchTokens(int ofProcessor) {
        return cuda()
                ? Math.max(ofProcessor, (int) Math.min(BATCH_TOKENS_OF_GPU_MAX, memoryBytes() / BYTES_PER_TOKEN))
                : ofProcessor;
    }

    /** Of a GPU; 0 where there is none. */
    public long memoryBytes() {
        return cuda() ? CudaDriver.get().orElseThrow().memoryBytes(index) : 0;
    }

    /** Waits for what was asked of it. */
    public void settle() {
        if (cuda()) {
            torch.cuda_synchronize(index);
        }
    }

    /** Where an engine computes that samples from what is here: the processor, where serving has no way to the GPU. */
    public OnnxDevice serving() {
        if (!cuda()) {
            return OnnxDevice.CPU;
        }
        OnnxDevice found = OnnxDevice.of(OnnxDevice.AUTO);
        return found.cuda() ? OnnxDevice.of("cuda:" + index) : found;
    }

    public boolean cuda() {
        return kind == Kind.CUDA;
    }

    /** Options for new float32 tensors here. */
    public TensorOptions options() {
        return options(ScalarType.Float);
    }

    TensorOptions options(ScalarType type) {
        return new TensorOptions(type).device(new DeviceOptional(torch()));
    }

    private Device torch() {
        return new Device(cuda() ? DeviceType.CUDA : DeviceType.CPU, (byte) (cuda() ? index : -1));
    }

    /** {@code tensor} here; itself where it is here already. */
    Tensor moved(Tensor tensor) {
        return cuda() ? tensor.to(torch(), tensor.scalar_type()) : tensor;
    }
}
