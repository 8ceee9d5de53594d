package dev.bellwether.trainer.doctor;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.sun.management.OperatingSystemMXBean;
import dev.bellwether.policy.onnx.CudaDriver;
import dev.bellwether.policy.onnx.OnnxDevice;
import dev.bellwether.policy.onnx.OnnxRuntime;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
        OnnxDevice serving = OnnxDevice.of(OnnxDevice.AUTO);
        List<Device> devices = new ArrayList<>();
        String here = Stream.of("serving", "training")
                .filter(each -> each.equals("serving") ? !serving.cuda() : !training.cuda())
                .collect(Collectors.joining(" and "));
        devices.add(new Device("cpu", !here.isEmpty(), here.isEmpty() ? "a GPU is used" : here + ", in float32"));
        int gpus = CudaDriver.get().map(CudaDriver::devices).orElse(0);
        if (gpus == 0) {
            String driver = CudaDriver.get().isPresent() ? "it finds no GPU" : CudaDriver.missing();
            devices.add(new Device("cuda", false, "NVIDIA's driver does not answer: " + driver));
        }
        for (int i = 0; i < gpus; i++) {
            devices.add(gpu(i, serving, training));
        }
        return devices;
    }

    private static Device gpu(int index, OnnxDevice serving, ComputeDevice training) {
        CudaDriver driver = CudaDriver.get().orElseThrow();
        String trains = training.cuda()
                ? "training in bfloat16"
                : Torch.builtForGpus()
                        ? "no training: libtorch is built for CUDA but finds no GPU; does the driver fit CUDA 13?"
                        : "no training: libtorch is the one for processors; build with `mvn -Pcuda -Dquick package`";
        String serves = serving.cuda() ? "serving in float16" : "no serving: " + serving.why();
        String what = index == 0 ? serves + "; " + trains : "where a setting says cuda:" + index;
        return new Device(
                "cuda:" + index,
                index == 0 && (serving.cuda() || training.cuda()),
                "%s, %d GB; %s".formatted(driver.name(index), driver.memoryBytes(index) >> 30, what));
    }
}
