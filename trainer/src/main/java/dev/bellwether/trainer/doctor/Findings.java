package dev.bellwether.trainer.doctor;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.sun.management.OperatingSystemMXBean;
import dev.bellwether.policy.onnx.OnnxRuntime;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The machine, the libraries that compute, and the devices, each with why it is used or not.
 *
 * @param memoryBytes of the machine, or of the container it is in
 */
record Findings(
        String java, String system, int processors, long memoryBytes, List<Library> libraries, List<Device> devices) {

    record Library(String name, String version, String use) {}

    record Device(String name, boolean used, String why) {}

    /** Loads every library, so that what cannot be loaded is found out here. */
    static Findings of(Path tokenizer) throws IOException {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        List<Library> libraries = new ArrayList<>();
        libraries.add(new Library("ONNX Runtime", OnnxRuntime.get().version(), "serving; providers " + providers()));
        ComputeDevice training = ComputeDevice.of("auto");
        libraries.add(new Library(
                "PyTorch",
                Torch.version(),
                "training; built for %s, matrices by %s"
                        .formatted(Torch.builtForGpus() ? "CUDA" : "processors", Torch.matrixLibrary())));
        try (HuggingFaceTokenizer loaded =
                HuggingFaceTokenizer.newInstance(tokenizer, Map.of("truncation", "false", "padding", "false"))) {
            libraries.add(new Library("Hugging Face tokenizers", loaded.getVersion(), "serving and training"));
        }
        return new Findings(
                Runtime.version().toString(),
                "%s %s, %s".formatted(system.getName(), system.getVersion(), system.getArch()),
                system.getAvailableProcessors(),
                system.getTotalMemorySize(),
                libraries,
                devices(training));
    }

    private static List<String> providers() {
        return OnnxRuntime.get().providers().stream().sorted().toList();
    }

    private static List<Device> devices(ComputeDevice training) {
        String cpu = training.cuda() ? "serving computes here" : "serving and training compute here";
        return List.of(new Device("cpu", true, cpu + ", in float32"), cuda(training));
    }

    private static Device cuda(ComputeDevice training) {
        if (training.cuda()) {
            return new Device("cuda", true, "training computes here, in bfloat16: %s".formatted(training.why()));
        }
        if (!Files.exists(Path.of("/proc/driver/nvidia")) && !Files.exists(Path.of("/dev/nvidia0"))) {
            return new Device("cuda", false, "there is no NVIDIA driver: neither /proc/driver/nvidia nor /dev/nvidia0");
        }
        String library = Torch.builtForGpus()
                ? "libtorch is built for CUDA but finds no GPU: does the driver fit CUDA 13?"
                : "libtorch is the one for processors: build with `mvn -Pcuda -Dquick package`";
        return new Device("cuda", false, "a driver is there, but " + library + "; serving has no path to it yet");
    }
}
