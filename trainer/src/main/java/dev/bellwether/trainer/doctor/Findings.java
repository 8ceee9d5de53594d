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
import java.util.Optional;
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

    /** Loads every library; one that cannot be loaded is among the findings, with the reason. */
    static Findings of(Path tokenizer) throws IOException {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        List<Library> libraries = new ArrayList<>();
        Optional<OnnxDevice> serving = loaded(libraries, "ONNX Runtime", name -> {
            libraries.add(new Library(name, OnnxRuntime.get().version(), "serving; providers " + providers()));
            return OnnxDevice.of(OnnxDevice.AUTO);
        });
        Optional<ComputeDevice> training = loaded(libraries, "PyTorch", name -> {
            ComputeDevice device = ComputeDevice.of("auto");
            String built = "training; built for %s, matrices by %s"
                    .formatted(Torch.builtForGpus() ? "CUDA" : "processors", Torch.matrixLibrary());
            libraries.add(new Library(name, Torch.version(), built));
            return device;
        });
        loaded(libraries, "Hugging Face tokenizers", name -> {
            try (HuggingFaceTokenizer loaded =
                    HuggingFaceTokenizer.newInstance(tokenizer, Map.of("truncation", "false", "padding", "false"))) {
                libraries.add(new Library(name, loaded.getVersion(), "serving and training"));
                return name;
            }
        });
        return new Findings(
                Runtime.version().toString(),
                "%s %s, %s".formatted(system.getName(), system.getVersion(), system.getArch()),
                system.getAvailableProcessors(),
                system.getTotalMemorySize(),
                libraries,
                devices(serving, training));
    }

    private interface Loading<T> {
        T load(String name) throws IOException;
    }

    /** What {@code loading} gives; where a library or one that it needs is missing, that is added to {@code libraries}. */
    private static <T> Optional<T> loaded(List<Library> libraries, String name, Loading<T> loading) throws IOException {
        try {
            return Optional.of(loading.load(name));
        } catch (LinkageError e) {
            Throwable reason = e;
            while (reason.getCause() != null) {
                reason = reason.getCause();
            }
            libraries.add(new Library(name, "-", "not used: it cannot be loaded: " + reason.getMessage()));
            return Optional.empty();
        }
    }

    private static List<String> providers() {
        return OnnxRuntime.get().providers().stream().sorted().toList();
    }

    private static List<Device> devices(Optional<OnnxDevice> serving, Optional<ComputeDevice> training) {
        List<Device> devices = new ArrayList<>();
        String here = Stream.concat(
                        serving.filter(device -> !device.cuda()).map(_ -> "serving").stream(),
                        training.filter(device -> !device.cuda()).map(_ -> "training").stream())
                .collect(Collectors.joining(" and "));
        devices.add(
                new Device("cpu", !here.isEmpty(), here.isEmpty() ? "nothing computes here" : here + ", in float32"));
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

    private static Device gpu(int index, Optional<OnnxDevice> serving, Optional<ComputeDevice> training) {
        CudaDriver driver = CudaDriver.get().orElseThrow();
        boolean serves = serving.filter(OnnxDevice::cuda).isPresent();
        boolean trains = training.filter(ComputeDevice::cuda).isPresent();
        String what = "%s; %s"
                .formatted(
                        serves ? "serving in float16" : "no serving: " + whyNoServing(serving),
                        trains ? "training in bfloat16" : "no training: " + whyNoTraining(training));
        return new Device(
                "cuda:" + index,
                index == 0 && (serves || trains),
                "%s, %d GB; %s"
                        .formatted(
                                driver.name(index),
                                driver.memoryBytes(index) >> 30,
                                index == 0 ? what : "where a setting says cuda:" + index));
    }

    private static String whyNoServing(Optional<OnnxDevice> serving) {
        return serving.map(OnnxDevice::why).orElse("ONNX Runtime cannot be loaded");
    }

    private static String whyNoTraining(Optional<ComputeDevice> training) {
        if (training.isEmpty()) {
            return "PyTorch cannot be loaded";
        }
        return Torch.builtForGpus()
                ? "libtorch is built for CUDA but finds no GPU; does the driver fit CUDA 13?"
                : "libtorch is the one for processors; build with `mvn -Pcuda -Dquick package`";
    }
}
