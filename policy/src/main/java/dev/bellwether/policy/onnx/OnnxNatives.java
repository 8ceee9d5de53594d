package dev.bellwether.policy.onnx;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * ONNX Runtime's build for CUDA 13, which is on the class path with {@code -Pcuda}. Its libraries look for each other where
 * they lie, so they are unpacked, once, beside those of libtorch: where {@code org.bytedeco.javacpp.cachedir} says, or in
 * {@code ~/.javacpp/cache}.
 */
final class OnnxNatives {
    private static final String RESOURCES = "/org/bytedeco/onnxruntime/linux-x86_64-gpu/";
    private static final String MAIN = "libonnxruntime.so.1";
    private static final List<String> PROVIDERS =
            List.of("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so");

    private OnnxNatives() {}

    /** The folder of the unpacked libraries; none where they are not on the class path. */
    static Optional<Path> forGpus() {
        URL main = OnnxNatives.class.getResource(RESOURCES + MAIN);
        if (main == null || !OnnxRuntime.platform().equals("linux-x64")) {
            return Optional.empty();
        }
        Path cache = Optional.ofNullable(System.getProperty("org.bytedeco.javacpp.cachedir"))
                .map(Path::of)
                .orElseGet(() -> Path.of(System.getProperty("user.home"), ".javacpp", "cache"));
        try {
            Path folder = cache.resolve(folderOf(main));
            Files.createDirectories(folder);
            for (String provider : PROVIDERS) {
                unpack(provider, folder.resolve(provider));
            }
            unpack(MAIN, folder.resolve(OnnxRuntime.fileName()));
            return Optional.of(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("ONNX Runtime for GPUs could not be unpacked into " + cache, e);
        }
    }

    /** Named as the archive is, and so by its version. */
    private static String folderOf(URL library) throws IOException {
        return library.openConnection() instanceof JarURLConnection archive
                ? String.valueOf(Path.of(archive.getJarFileURL().getPath()).getFileName())
                : "onnxruntime-gpu";
    }

    /** One that is there already in its size is not unpacked again; one that is cut off never gets its name. */
    private static void unpack(String name, Path file) throws IOException {
        URL packed = OnnxNatives.class.getResource(RESOURCES + name);
        if (packed == null) {
            throw new IOException("%s is missing on the class path".formatted(name));
        }
        long size = packed.openConnection().getContentLengthLong();
        if (Files.exists(file) && Files.size(file) == size) {
            return;
        }
        Path part = Files.createTempFile(file.getParent(), name, ".part");
        try (InputStream in = packed.openStream()) {
            Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
