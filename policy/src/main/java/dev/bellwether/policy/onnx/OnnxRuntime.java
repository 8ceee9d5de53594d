package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The library, loaded once for the process, with its one environment.
 *
 * <p>It comes from the folder that the system property {@code bellwether.onnxruntime} names, which holds a build with its
 * providers; or from the artifact for GPUs ({@code -Pcuda}), where it is on the class path; or from that for processors.
 */
@SuppressWarnings("restricted")
public final class OnnxRuntime {
    /** The system property that names a folder with {@code libonnxruntime.so}. */
    public static final String FOLDER = "bellwether.onnxruntime";

    /** Of {@code ORT_API_VERSION}; whatever is newer offers it too. */
    private static final int API_VERSION = 18;

    private static final int LOG_WARNINGS = 2;
    private static final int ARENA = 1;
    private static final int DEVICE_ALLOCATOR = 0;
    private static final int DEFAULT_MEMORY = 0;
    private static final long AS_REQUESTED = 1;
    private static final long TEXT_BYTES_MAX = 1 << 16;

    private final Map<OrtFunction, MethodHandle> functions = new EnumMap<>(OrtFunction.class);
    private final String version;
    private final MemorySegment environment;
    private final MemorySegment processorMemory;
    private final Map<Integer, MemorySegment> gpuMemories = new ConcurrentHashMap<>();

    private OnnxRuntime(SymbolLookup library) {
        MemorySegment base = (MemorySegment) NativeCall.invoke(
                NativeCall.handle(library.findOrThrow("OrtGetApiBase"), FunctionDescriptor.of(ADDRESS)), new Object[0]);
        MemorySegment pointers = base.reinterpret(2 * ADDRESS.byteSize());
        version = text((MemorySegment) NativeCall.invoke(
                NativeCall.handle(pointers.getAtIndex(ADDRESS, 1), FunctionDescriptor.of(ADDRESS)), new Object[0]));
        MemorySegment api = (MemorySegment) NativeCall.invoke(
                NativeCall.handle(pointers.getAtIndex(ADDRESS, 0), FunctionDescriptor.of(ADDRESS, JAVA_INT)),
                new Object[] {API_VERSION});
        if (api.address() == 0) {
            throw new IllegalStateException(
                    "ONNX Runtime %s does not offer version %d of its API".formatted(version, API_VERSION));
        }
        for (OrtFunction function : OrtFunction.values()) {
            MemorySegment pointer = api.reinterpret((function.place() + 1L) * ADDRESS.byteSize())
                    .getAtIndex(ADDRESS, function.place());
            functions.put(function, NativeCall.handle(pointer, function.descriptor()));
        }
        environment = made(OrtFunction.CREATE_ENV, LOG_WARNINGS, Arena.global().allocateFrom("bellwether"));
        check(OrtFunction.DISABLE_TELEMETRY_EVENTS, environment);
        processorMemory = made(OrtFunction.CREATE_CPU_MEMORY_INFO, 0, 0);
        shareArena();
    }

    /**
     * One arena for what all sessions compute in between, which grows by what is asked for: by its default it doubles, and
     * each session has its own.
     */
    private void shareArena() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment keys = arena.allocateFrom(ADDRESS, arena.allocateFrom("arena_extend_strategy"));
            MemorySegment values = arena.allocateFrom(JAVA_LONG, AS_REQUESTED);
            MemorySegment settings = made(OrtFunction.CREATE_ARENA_CFG_V2, keys, values, 1L);
            MemorySegment memory = made(OrtFunction.CREATE_CPU_MEMORY_INFO, ARENA, 0);
            check(OrtFunction.CREATE_AND_REGISTER_ALLOCATOR, environment, memory, settings);
            release(OrtFunction.RELEASE_ARENA_CFG, settings);
        }
    }

    private static final class Loaded {
        private static final OnnxRuntime INSTANCE = new OnnxRuntime(library());
    }

    /** The loaded library; it is never unloaded. */
    public static OnnxRuntime get() {
        return Loaded.INSTANCE;
    }

    private static SymbolLookup library() {
        return Optional.ofNullable(System.getProperty(FOLDER))
                .map(Path::of)
                .or(OnnxNatives::forGpus)
                .map(folder -> SymbolLookup.libraryLookup(folder.resolve(fileName()), Arena.global()))
                .orElseGet(OnnxRuntime::forProcessors);
    }

    private static SymbolLookup forProcessors() {
        String resource = "/ai/onnxruntime/native/%s/%s".formatted(platform(), fileName());
        try (InputStream packed = OnnxRuntime.class.getResourceAsStream(resource)) {
            if (packed == null) {
                throw new IllegalStateException("ONNX Runtime is not there for this machine: no " + resource);
            }
            Path file = Files.createTempFile("onnxruntime", ".library");
            try {
                Files.copy(packed, file, StandardCopyOption.REPLACE_EXISTING);
                return SymbolLookup.libraryLookup(file, Arena.global());
            } finally {
                // The mapping keeps it; nothing stays behind, however the process ends.
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("ONNX Runtime could not be unpacked", e);
        }
    }

    static String fileName() {
        return mac() ? "libonnxruntime.dylib" : "libonnxruntime.so";
    }

    static String platform() {
        boolean arm = System.getProperty("os.arch").equals("aarch64");
        return (mac() ? "osx-" : "linux-") + (arm ? "aarch64" : "x64");
    }

    static boolean mac() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac");
    }

    private Object call(OrtFunction function, Object... arguments) {
        MethodHandle handle = functions.get(function);
        if (handle == null) {
            throw new IllegalArgumentException(function.name());
        }
        return NativeCall.invoke(handle, arguments);
    }

    /**
     * Calls what gives a status.
     *
     * @throws OnnxException with the library's words, where it failed
     */
    void check(OrtFunction function, Object... arguments) {
        MemorySegment status = (MemorySegment) call(function, arguments);
        if (status.address() != 0) {
            String message = text((MemorySegment) call(OrtFunction.GET_ERROR_MESSAGE, status));
            release(OrtFunction.RELEASE_STATUS, status);
            throw new OnnxException(message);
        }
    }

    /** Calls what gives a status and, by its last argument, something that must be released. */
    MemorySegment made(OrtFunction function, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            Object[] all = new Object[arguments.length + 1];
            System.arraycopy(arguments, 0, all, 0, arguments.length);
            all[arguments.length] = out;
            check(function, all);
            return out.get(ADDRESS, 0);
        }
    }

    void release(OrtFunction function, MemorySegment object) {
        call(function, object);
    }

    MemorySegment environment() {
        return environment;
    }

    /** What tensors in a device's memory say of where they are. */
    MemorySegment memoryOf(OnnxDevice device) {
        return device.gpu()
                .map(index -> gpuMemories.computeIfAbsent(
                        index,
                        _ -> made(
                                OrtFunction.CREATE_MEMORY_INFO,
                                Arena.global().allocateFrom("Cuda"),
                                DEVICE_ALLOCATOR,
                                index,
                                DEFAULT_MEMORY)))
                .orElse(processorMemory);
    }

    /** Why sessions cannot compute on that GPU. */
    Optional<String> missingForCuda(int index) {
        if (!providers().contains("CUDAExecutionProvider")) {
            return Optional.of("ONNX Runtime %s is built for processors".formatted(version));
        }
        MemorySegment options = made(OrtFunction.CREATE_SESSION_OPTIONS);
        try {
            appendCuda(options, index, false);
            return Optional.empty();
        } catch (OnnxException e) {
            return Optional.of("ONNX Runtime %s does not load for CUDA: %s".formatted(version, e.getMessage()));
        } finally {
            release(OrtFunction.RELEASE_SESSION_OPTIONS, options);
        }
    }

    /**
     * Lets a session's nodes compute on a GPU, whose memory doubles when more is asked for: to ask often takes long.
     *
     * @param replayed whether runs may be recorded and replayed as a whole
     */
    void appendCuda(MemorySegment options, int index, boolean replayed) {
        MemorySegment cuda = made(OrtFunction.CREATE_CUDA_OPTIONS);
        try (Arena arena = Arena.ofConfined()) {
            Map<String, String> settings = Map.of(
                    "device_id",
                    Integer.toString(index),
                    "arena_extend_strategy",
                    "kNextPowerOfTwo",
                    "enable_cuda_graph",
                    replayed ? "1" : "0");
            MemorySegment keys = arena.allocate(ADDRESS, settings.size());
            MemorySegment values = arena.allocate(ADDRESS, settings.size());
            int i = 0;
            for (Map.Entry<String, String> setting : settings.entrySet()) {
                keys.setAtIndex(ADDRESS, i, arena.allocateFrom(setting.getKey()));
                values.setAtIndex(ADDRESS, i, arena.allocateFrom(setting.getValue()));
                i++;
            }
            check(OrtFunction.UPDATE_CUDA_OPTIONS, cuda, keys, values, (long) settings.size());
            check(OrtFunction.APPEND_CUDA_PROVIDER, options, cuda);
        } finally {
            release(OrtFunction.RELEASE_CUDA_OPTIONS, cuda);
        }
    }

    /** For example 1.29.0. */
    public String version() {
        return version;
    }

    /** What this build can compute on, for example {@code CPUExecutionProvider}. */
    public List<String> providers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(ADDRESS);
            MemorySegment count = arena.allocate(JAVA_INT);
            check(OrtFunction.GET_AVAILABLE_PROVIDERS, list, count);
            int size = count.get(JAVA_INT, 0);
            MemorySegment names = list.get(ADDRESS, 0).reinterpret(size * ADDRESS.byteSize());
            List<String> providers = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                providers.add(text(names.getAtIndex(ADDRESS, i)));
            }
            check(OrtFunction.RELEASE_AVAILABLE_PROVIDERS, names, size);
            return providers;
        }
    }

    private static String text(MemorySegment pointer) {
        return pointer.reinterpret(TEXT_BYTES_MAX).getString(0);
    }
}
