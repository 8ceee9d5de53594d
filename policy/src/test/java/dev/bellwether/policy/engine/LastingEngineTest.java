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

    /** One token whose embedding is no number. */
    @Test
    void failsTheOneWhoseNumbersAreNone() throws Exception {
        Path folder = DecoderSessionTest.REFERENCE.resolve("llama-grouped-bf16");
        Checkpoint good = Checkpoint.open(folder);
        float[] weights = good.parameters();
        int hidden = good.config().hiddenSize();
        Arrays.fill(weights, 9 * hidden, 10 * hidden, Float.NaN);
        Files.copy(folder.resolve("config.json"), directory.resolve("config.json"));
        Safetensors.write(directory.resolve("model.safetensors"), good.config().tensors(), weights, NumberFormat.F32);
        writeGoldenCase(directory);
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(directory), CONFIG)) {
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

    @Test
    void leavesNothingBehindOverAHundredFailures() throws Exception {
        try (LastingEngine engine = LastingEngine.open(Checkpoint.open(checkpoint), CONFIG)) {
            for (int i = 0; i < 100; i++) {
                assertThatThrownBy(askUntilTaken(engine, IMPOSSIBLE)::reply)
                        .hasCauseInstanceOf(EngineFailedException.class);
                awaitReplacement(engine);
            }
            assertThat(askUntilTaken(engine, new int[] {5}).reply()).isNotNull();
            assertThat(threads()).isLessThanOrEqualTo(2);
        }
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
