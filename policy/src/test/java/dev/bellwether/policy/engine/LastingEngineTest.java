package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LastingEngineTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Path REFERENCE = DecoderSessionTest.REFERENCE.resolve("llama-tied");
    private static final EngineConfig CONFIG = new EngineConfig(4, 128, 64, 1, 64);

    /** Beyond the vocabulary of 96: ONNX Runtime fails on it. */
    private static final int[] IMPOSSIBLE = {500};

    @TempDir
    private Path directory = Path.of("");

    private Path checkpoint = Path.of("");

    @BeforeEach
    void copyTheReference() throws IOException {
        checkpoint = Files.createDirectories(directory.resolve("checkpoint"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(REFERENCE.resolve(file), checkpoint.resolve(file));
        }
        writeGoldenCase(checkpoint);
    }

    /** Without any, no engine starts. */
    private static void writeGoldenCase(Path folder) throws IOException {
        int[] prompt = {5, 6, 7};
        int[] reply = {8, 10, 11};
        Checkpoint model = Checkpoint.open(folder);
        try (DecoderSession session = DecoderSession.open(model, 1, 8, 1, Precision.FLOAT32)) {
            List<TeacherForcing.Sample> samples = List.of(new TeacherForcing.Sample(prompt, reply));
            float[] expected =
                    TeacherForcing.logProbabilities(session, 1, model.config().vocabularySize(), samples)[0];
            GoldenCases.write(folder, List.of(new GoldenCases.GoldenCase(prompt, reply, expected, .001)));
        }
    }

    /** Its reply, or how it failed. */
    private static class Waiting implements GenerationListener {
        private final CompletableFuture<Completion> future = new CompletableFuture<>();

        @Override
        public void onToken(int token) {}

        @Override
        public void onEnd(Completion completion) {
            future.complete(completion);
        }

        @Override
        public void onFailure(RuntimeException failure) {
            future.completeExceptionally(failure);
        }

        private Completion reply() throws InterruptedException, ExecutionException, TimeoutException {
            return future.get(30, TimeUnit.SECONDS);
        }
    }

    private static Waiting ask(LastingEngine engine, int[] prompt, int tokens, Waiting waiting) {
        engine.submit(new GenerationRequest(prompt, Sampling.at(1, tokens, 1), LONG), waiting);
        return waiting;
    }

    private static void awaitReady(LastingEngine engine) throws InterruptedException {
        long end = System.nanoTime() + LONG.toNanos();
        while (!engine.ready()) {
            assertThat(System.nanoTime()).isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private static Waiting askUntilTaken(LastingEngine engine, int[] prompt) throws InterruptedException {
        for (int i = 0; ; i++) {
            awaitReady(engine);
            try {
                return ask(engine, prompt, 4, new Waiting());
            } catch (EngineFailedException | EngineOverloadedException e) {
                assertThat(i).isLessThan(1_000);
            }
        }
    }

    @Test
    void answersEverybodyAndIsReplacedWhenTheRuntimeFails() throws Exception {
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(checkpoint), CONFIG)) {
            List<Waiting> all = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                all.add(ask(engine, i == 9 ? IMPOSSIBLE : new int[] {5, 6, 7}, 100, new Waiting()));
            }
            int failed = 0;
            for (Waiting each : all) {
                try {
                    each.reply();
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(EngineFailedException.class);
                    failed++;
                }
            }
            assertThat(failed).isPositive();
            assertThat(askUntilTaken(engine, new int[] {5}).reply().tokens()).isNotNull();
        }
    }

    @Test
    void survivesAnErrorOfTheMachine() throws Exception {
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(checkpoint), CONFIG)) {
            Waiting beside = ask(engine, new int[] {5}, 100, new Waiting());
            Waiting broken = ask(engine, new int[] {6}, 100, new Waiting() {
                @Override
                public void onToken(int token) {
                    throw new OutOfMemoryError("no memory left, says the test");
                }
            });
            assertThatThrownBy(broken::reply).hasCauseInstanceOf(EngineFailedException.class);
            assertThatThrownBy(beside::reply).hasCauseInstanceOf(EngineFailedException.class);
            assertThat(askUntilTaken(engine, new int[] {5}).reply()).isNotNull();
        }
    }

    @Test
    void failsTheOneWhoseListenerFails() throws Exception {
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(checkpoint), CONFIG)) {
            Waiting beside = ask(engine, new int[] {5}, 60, new Waiting());
            Waiting broken = ask(engine, new int[] {6}, 60, new Waiting() {
                @Override
                public void onToken(int token) {
                    throw new IllegalStateException("says the test");
                }
            });
            assertThatThrownBy(broken::reply).hasMessageContaining("says the test");
            assertThat(beside.reply()).isNotNull();
            assertThat(engine.ready()).isTrue();
        }
    }

    private static Waiting greedy(LastingEngine engine, int[] prompt) {
        Waiting waiting = new Waiting();
        engine.submit(new GenerationRequest(prompt, Sampling.at(0, 30, 1), LONG), waiting);
        return waiting;
    }

    /** A model one token of which, 9, has an embedding that is no number. */
    private Checkpoint oneTokenIsNoNumber() throws IOException {
        Path folder = DecoderSessionTest.REFERENCE.resolve("llama-grouped-bf16");
        Checkpoint good = Checkpoint.open(folder);
        float[] weights = good.parameters();
        int hidden = good.config().hiddenSize();
        Arrays.fill(weights, 9 * hidden, 10 * hidden, Float.NaN);
        Files.copy(folder.resolve("config.json"), directory.resolve("config.json"));
        Safetensors.write(directory.resolve("model.safetensors"), good.config().tensors(), weights, NumberFormat.F32);
        writeGoldenCase(directory);
        return Checkpoint.open(directory);
    }

    @Test
    void failsTheOneWhoseNumbersAreNone() throws Exception {
        try (LastingEngine engine = LastingEngine.open(oneTokenIsNoNumber(), CONFIG)) {
            int[] alone = greedy(engine, new int[] {10}).reply().tokens();
            int[] longer = new int[60];
            int[] broken = new int[50];
            Arrays.fill(longer, 10);
            Arrays.fill(broken, 9);
            Waiting beside = greedy(engine, longer);
            assertThatThrownBy(greedy(engine, broken)::reply).hasCauseInstanceOf(NotFiniteException.class);
            // In its place, which still holds what were no numbers.
            assertThat(greedy(engine, new int[] {10}).reply().tokens()).containsExactly(alone);
            assertThat(beside.reply().tokens()).isNotEmpty();
            assertThat(engine.ready()).isTrue();
        }
    }

    /** Replies at random draw that token sooner or later, as their own or not at all; those beside them go on. */
    @Test
    void failsTheOneWhoseNumbersAreNoneInMidReply() throws Exception {
        int failed = 0;
        try (LastingEngine engine = LastingEngine.open(oneTokenIsNoNumber(), CONFIG)) {
            int[] alone = greedy(engine, new int[] {10}).reply().tokens();
            for (int seed = 0; seed < 40 && failed < 3; seed++) {
                AtomicInteger heard = new AtomicInteger();
                Waiting drawn = new Waiting() {
                    @Override
                    public void onToken(int token) {
                        heard.incrementAndGet();
                    }
                };
                engine.submit(new GenerationRequest(new int[] {10}, Sampling.at(2, 100, seed), LONG), drawn);
                Waiting beside = greedy(engine, new int[] {10});
                try {
                    drawn.reply();
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(NotFiniteException.class);
                    assertThat(heard).hasPositiveValue();
                    failed++;
                }
                assertThat(beside.reply().tokens()).containsExactly(alone);
            }
            assertThat(engine.ready()).isTrue();
        }
        assertThat(failed).isEqualTo(3);
    }

    @Test
    void leavesNothingBehindOverAHundredFailures() throws Exception {
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(checkpoint), CONFIG)) {
            failAgainAndAgain(engine, 20);
            long files = openFiles();
            long bytes = residentBytes();
            failAgainAndAgain(engine, 100);
            assertThat(openFiles()).isLessThanOrEqualTo(files);
            assertThat(residentBytes()).isLessThan(bytes + (64L << 20));
            assertThat(askUntilTaken(engine, new int[] {5}).reply()).isNotNull();
            assertThat(threads()).isLessThanOrEqualTo(2);
        }
    }

    private static void failAgainAndAgain(LastingEngine engine, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            assertThatThrownBy(askUntilTaken(engine, IMPOSSIBLE)::reply)
                    .hasCauseInstanceOf(EngineFailedException.class);
            awaitReplacement(engine);
        }
    }

    private static long openFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    private static long residentBytes() throws IOException {
        System.gc();
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS"))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
    }

    /** The engine that failed is gone once another answers. */
    private static void awaitReplacement(LastingEngine engine) throws Exception {
        while (true) {
            try {
                assertThat(askUntilTaken(engine, new int[] {5}).reply()).isNotNull();
                return;
            } catch (ExecutionException e) {
                assertThat(e.getCause()).isInstanceOf(EngineFailedException.class);
            }
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("engine"))
                .count();
    }
}
