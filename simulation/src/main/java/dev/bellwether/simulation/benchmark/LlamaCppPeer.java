package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.engine.Precision;
import dev.bellwether.standalone.ChildProcess;
import dev.bellwether.standalone.Ports;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * llama.cpp with the same weights, prompts and number of threads: alone through {@code node-llama-cpp} from npm, and many
 * at once through its server, built from the sources that {@code llama-cpp-python} brings from PyPI.
 */
final class LlamaCppPeer {
    private static final Duration BUILD_LIMIT = Duration.ofMinutes(60);
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration ANSWER_LIMIT = Duration.ofMinutes(5);
    private static final String SCRIPT = "alone.mjs";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path models;
    private final Path cache;
    private final PrintWriter out;

    /**
     * @param models a folder with {@code *.F32.gguf} and {@code *.Q4_1.gguf}
     * @param cache where the programs are installed, once
     */
    LlamaCppPeer(Path models, Path cache, PrintWriter out) {
        this.models = models;
        this.cache = cache;
        this.out = out;
    }

    /** Its format of the same bits; none where it has none. */
    static Optional<String> formatOf(Precision precision) {
        return switch (precision) {
            case FLOAT32 -> Optional.of("F32");
            case FLOAT16 -> Optional.of("F16");
            case INT8 -> Optional.empty();
            case INT4 -> Optional.of("Q4_1");
        };
    }

    private Path model(String format) throws IOException {
        try (Stream<Path> files = Files.list(models)) {
            return files.filter(file -> file.toString().endsWith("." + format + ".gguf"))
                    .findFirst()
                    .orElseThrow(() -> new IOException("%s holds no *.%s.gguf".formatted(models, format)));
        }
    }

    /** Tokens a second of one reply after the other, prompts included. */
    double alone(String format, List<int[]> prompts, int tokensMax, Duration time)
            throws IOException, InterruptedException {
        Path folder = Files.createDirectories(cache.resolve("node"));
        if (!Files.exists(folder.resolve("node_modules/node-llama-cpp"))) {
            out.println("installing node-llama-cpp by npm");
            out.flush();
            Files.writeString(folder.resolve("package.json"), "{\"type\":\"module\",\"private\":true}");
            run(folder, "npm", "install", "--no-audit", "--no-fund", "node-llama-cpp");
        }
        try (InputStream script = LlamaCppPeer.class.getResourceAsStream(SCRIPT)) {
            if (script == null) {
                throw new IOException(SCRIPT + " is missing");
            }
            Files.copy(script, folder.resolve(SCRIPT), StandardCopyOption.REPLACE_EXISTING);
        }
        Path task = folder.resolve("task.json");
        JSON.writeValue(
                task.toFile(),
                Map.of(
                        "model",
                        model(format).toAbsolutePath().toString(),
                        "prompts",
                        prompts,
                        "tokensMax",
                        tokensMax,
                        "millis",
                        time.toMillis()));
        Path log = run(folder, "node", SCRIPT, task.toString());
        String last = Files.readAllLines(log).getLast();
        return JSON.readTree(last).path("tokensPerSecond").asDouble();
    }

    /** Tokens a second of {@code atOnce} replies at once, prompts included, the server having one thread. */
    double together(String format, List<int[]> prompts, int atOnce, int tokensMax, Duration time)
            throws IOException, InterruptedException {
        Path server = server();
        int port = Ports.free();
        List<String> command = List.of(
                server.toString(),
                "--model",
                model(format).toAbsolutePath().toString(),
                "--host",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--threads",
                "1",
                "--threads-batch",
                "1",
                "--parallel",
                Integer.toString(atOnce),
                "--ctx-size",
                Integer.toString(atOnce * 512),
                "--no-webui");
        try (ChildProcess process =
                        ChildProcess.start("llama-server", command, Map.of(), cache, cache.resolve("server.log"));
                HttpClient client = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build()) {
            awaitHealthy(process, client, port);
            closedLoop(client, port, prompts, atOnce, tokensMax, time.dividedBy(4));
            return closedLoop(client, port, prompts, atOnce, tokensMax, time);
        }
    }

    private void awaitHealthy(ChildProcess process, HttpClient client, int port)
            throws IOException, InterruptedException {
        HttpRequest health = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/health".formatted(port)))
                .build();
        long start = System.nanoTime();
        while (true) {
            try {
                if (client.send(health, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
                    return;
                }
            } catch (IOException e) {
                if (!process.alive()) {
                    throw new IOException("llama-server ended; %s says why".formatted(cache.resolve("server.log")), e);
                }
            }
            if (System.nanoTime() - start > START_LIMIT.toNanos()) {
                throw new IOException("llama-server did not come up");
            }
            Thread.sleep(100);
        }
    }

    private double closedLoop(
            HttpClient client, int port, List<int[]> prompts, int atOnce, int tokensMax, Duration time)
            throws IOException {
        AtomicLong tokens = new AtomicLong();
        AtomicLong turn = new AtomicLong();
        long start = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<Void>> loops = new ArrayList<>();
            for (int i = 0; i < atOnce; i++) {
                loops.add(CompletableFuture.runAsync(
                        () -> {
                            do {
                                long mine = turn.getAndIncrement();
                                int[] prompt = prompts.get((int) (mine % prompts.size()));
                                tokens.addAndGet(answer(client, port, prompt, mine, tokensMax));
                            } while (System.nanoTime() - start < time.toNanos());
                        },
                        threads));
            }
            loops.forEach(CompletableFuture::join);
        } catch (CompletionException e) {
            throw new IOException("llama-server failed", e.getCause());
        }
        return tokens.get() / ((System.nanoTime() - start) / 1e9);
    }

    private long answer(HttpClient client, int port, int[] prompt, long seed, int tokensMax) {
        try {
            byte[] body = JSON.writeValueAsBytes(Map.of(
                    "prompt",
                    prompt,
                    "n_predict",
                    tokensMax,
                    "temperature",
                    1,
                    "top_k",
                    0,
                    "top_p",
                    1,
                    "min_p",
                    0,
                    "seed",
                    seed,
                    "cache_prompt",
                    false));
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/completion".formatted(port)))
                    .header("content-type", "application/json")
                    .timeout(ANSWER_LIMIT)
                    .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                    .build();
            HttpResponse<byte[]> answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new IOException("it answered %d".formatted(answer.statusCode()));
            }
            return JSON.readTree(answer.body()).path("tokens_predicted").asLong();
        } catch (IOException e) {
            throw new CompletionException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CompletionException(e);
        }
    }

    /** The server's program, built where it is not there yet. */
    private Path server() throws IOException, InterruptedException {
        Path build = cache.resolve("build");
        Path program = build.resolve("bin/llama-server");
        if (Files.exists(program)) {
            return program;
        }
        out.println("building llama-server from the sources of llama-cpp-python (ten minutes or more)");
        out.flush();
        Files.createDirectories(cache);
        run(
                cache,
                "sh",
                "-c",
                "python3 -m pip download --no-deps --no-binary :all: llama-cpp-python -d sources"
                        + " && mkdir -p unpacked && tar xzf sources/*.tar.gz --strip-components=1 -C unpacked");
        run(
                cache,
                "cmake",
                "-S",
                "unpacked/vendor/llama.cpp",
                "-B",
                "build",
                "-DCMAKE_BUILD_TYPE=Release",
                "-DLLAMA_CURL=OFF",
                "-DLLAMA_OPENSSL=OFF",
                "-DLLAMA_BUILD_TESTS=OFF",
                "-DLLAMA_BUILD_EXAMPLES=OFF",
                "-DBUILD_SHARED_LIBS=OFF");
        run(cache, "cmake", "--build", "build", "--target", "llama-server", "-j", "2");
        return program;
    }

    /** Runs a program to its end; its output. */
    private static Path run(Path folder, String... command) throws IOException, InterruptedException {
        Path log = folder.resolve(Path.of(command[0]).getFileName() + ".log");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (!process.waitFor(BUILD_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        if (process.isAlive() || process.exitValue() != 0) {
            throw new IOException("%s failed; %s says why".formatted(String.join(" ", command), log));
        }
        return log;
    }
}
