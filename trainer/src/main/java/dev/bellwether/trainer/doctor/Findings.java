package dev.bellwether.trainer.doctor;

import ai.djl.engine.Engine;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.util.cuda.CudaUtils;
import com.sun.management.OperatingSystemMXBean;
import dev.bellwether.policy.onnx.OnnxRuntime;
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
        Engine engine = Engine.getInstance();
        libraries.add(new Library(engine.getEngineName(), engine.getVersion(), "training"));
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
                List.of(new Device("cpu", true, "serving and training compute here, in float32"), cuda()));
    }

    private static List<String> providers() {
        return OnnxRuntime.get().providers().stream().sorted().toList();
    }

    private static Device cuda() {
        if (!Files.exists(Path.of("/proc/driver/nvidia")) && !Files.exists(Path.of("/dev/nvidia0"))) {
            return new Device("cuda", false, "there is no NVIDIA driver: neither /proc/driver/nvidia nor /dev/nvidia0");
        }
        List<String> reasons = new ArrayList<>(List.of("neither serving nor training has a path to it yet"));
        if (!OnnxRuntime.get().providers().contains("CUDAExecutionProvider")) {
            reasons.add("ONNX Runtime is the one for CPUs (providers %s)".formatted(providers()));
        }
        int seen = CudaUtils.getGpuCount();
        if (seen == 0) {
            reasons.add("%s sees no device".formatted(Engine.getInstance().getEngineName()));
        }
        return new Device("cuda", false, "a driver is there, but " + String.join(", and ", reasons));
    }
}
