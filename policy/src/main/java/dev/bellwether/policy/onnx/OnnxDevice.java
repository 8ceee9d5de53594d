package dev.bellwether.policy.onnx;

import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a session computes.
 *
 * @param gpu which GPU; none for the processor
 * @param why it was taken, in words
 */
public record OnnxDevice(Optional<Integer> gpu, String why) {
    /** The processor. */
    public static final OnnxDevice CPU = new OnnxDevice(Optional.empty(), "it is the setting");

    /** The setting by which a GPU is taken where there is one. */
    public static final String AUTO = "auto";

    private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d+))?");
    private static final Pattern SETTING = Pattern.compile("auto|cpu|" + CUDA.pattern());

    /** Refuses what is no setting: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}. */
    public static String checked(String setting) {
        if (!SETTING.matcher(setting).matches()) {
            throw new IllegalArgumentException("device is auto, cpu or cuda:N, not '%s'".formatted(setting));
        }
        return setting;
    }

    /**
     * The device of a setting.
     *
     * @throws IllegalArgumentException when it is none, or the GPU that it names does not answer
     */
    public static OnnxDevice of(String setting) {
        Matcher cuda = CUDA.matcher(checked(setting));
        if (setting.equals("cpu")) {
            return CPU;
        }
        boolean named = cuda.matches();
        int index = named && cuda.group(1) != null ? Integer.parseInt(cuda.group(1)) : 0;
        Optional<String> missing = missing(index);
        if (missing.isEmpty()) {
            String why = named ? "it is the setting" : "ONNX Runtime computes on it";
            return new OnnxDevice(Optional.of(index), "%s: %s".formatted(driver().name(index), why));
        }
        if (named) {
            throw new IllegalArgumentException(
                    "device is %s, but %s; `./bellwether doctor` says more".formatted(setting, missing.get()));
        }
        return new OnnxDevice(Optional.empty(), missing.get());
    }

    /** Why that GPU cannot be used. */
    private static Optional<String> missing(int index) {
        int devices = CudaDriver.get().map(CudaDriver::devices).orElse(0);
        if (index >= devices) {
            return Optional.of("NVIDIA's driver finds %d GPU(s)".formatted(devices));
        }
        return OnnxRuntime.get().missingForCuda(index);
    }

    private static CudaDriver driver() {
        return CudaDriver.get().orElseThrow();
    }

    public boolean cuda() {
        return gpu.isPresent();
    }

    /** Memory of the GPU, used or not; 0 of the processor. */
    public long memoryBytes() {
        return gpu.map(index -> driver().memoryBytes(index)).orElse(0L);
    }

    /** Memory there, to be closed by the caller. */
    public TensorMemory memory() {
        return gpu.<TensorMemory>map(index -> new CudaMemory(driver(), index)).orElseGet(NativeMemory::new);
    }

    /** Work of other threads may go on beside it, on a GPU as long as none is recorded. */
    <T> T together(Supplier<T> work) {
        return cuda() ? CudaDriver.together(work) : work.get();
    }

    @Override
    public String toString() {
        return gpu.map(index -> "cuda:" + index).orElse("cpu");
    }
}
