package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GenerationEngineTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private final Checkpoint checkpoint = Checkpoint.open(DecoderSessionTest.REFERENCE.resolve("llama-grouped-bf16"));

    private static List<GenerationRequest> requests(int count) {
        Random random = new Random(1);
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] prompt = random.ints(1 + random.nextInt(30), 3, 96).toArray();
            requests.add(new GenerationRequest(prompt, Sampling.at(1, 1 + random.nextInt(20), i), LONG));
        }
        return requests;
    }

    @Test
    void givesEveryRequestTheSameReplyAloneAndInACrowd() {
        List<GenerationRequest> requests = requests(40);
        List<Completion> crowd;
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(7, 64, 100, 1, 24))) {
            crowd = engine.generate(requests);
        }
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(1, 64, 100, 1, 64))) {
            for (int i = 0; i < requests.size(); i++) {
                Completion alone = engine.generate(requests.subList(i, i + 1)).getFirst();
                assertThat(crowd.get(i).tokens()).isEqualTo(alone.tokens());
                assertThat(crowd.get(i).finish()).isEqualTo(alone.finish());
                assertThat(crowd.get(i).logProbabilities())
                        .usingComparatorWithPrecision(1e-3f)
                        .containsExactly(alone.logProbabilities());
            }
        }
    }

    private static GenerationRequest greedy(int[] prompt, int tokens) {
        return new GenerationRequest(prompt, Sampling.at(0, tokens, 1), LONG);
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    @Test
    void readsOfTheNextTurnOnlyWhatIsNew() {
        int[] first = new Random(3).ints(70, 3, 96).toArray();
        int[] question = new Random(4).ints(9, 3, 96).toArray();
        int[] second;
        int[] afresh;
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 128, 4, 1, 24))) {
            int[] reply = engine.generate(List.of(greedy(first, 10))).getFirst().tokens();
            second = joined(first, reply, question);
        }
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 128, 4, 1, 24))) {
            afresh = engine.generate(List.of(greedy(second, 20))).getFirst().tokens();
            assertThat(engine.reusedTokens()).isZero();
        }
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 128, 4, 1, 24))) {
            engine.generate(List.of(greedy(first, 10)));
            // Another conversation between the turns.
            engine.generate(List.of(greedy(question, 5)));
            assertThat(engine.generate(List.of(greedy(second, 20))).getFirst().tokens())
                    .isEqualTo(afresh);
            assertThat(engine.reusedTokens()).isGreaterThanOrEqualTo(70);
        }
    }

    @Test
    void givesTheSameRepliesFromWhatSlotsStillHold() {
        List<GenerationRequest> requests = new ArrayList<>();
        Random random = new Random(5);
        int[] shared = random.ints(70, 3, 96).toArray();
        for (int i = 0; i < 40; i++) {
            int[] own = random.ints(1 + random.nextInt(20), 3, 96).toArray();
            requests.add(greedy(i % 4 == 0 ? own : joined(shared, own), 1 + random.nextInt(15)));
        }
        try (GenerationEngine crowd = GenerationEngine.open(checkpoint, new EngineConfig(5, 128, 100, 1, 32))) {
            List<Completion> together = crowd.generate(requests);
            assertThat(crowd.reusedTokens()).isGreaterThan(1_000);
            for (int i = 0; i < requests.size(); i++) {
                try (GenerationEngine alone = GenerationEngine.open(checkpoint, new EngineConfig(1, 128, 4, 1, 128))) {
                    assertThat(together.get(i).tokens())
                            .isEqualTo(alone.generate(requests.subList(i, i + 1))
                                    .getFirst()
                                    .tokens());
                }
            }
        }
    }

    /** In the engine, alone and in a crowd of whom some draw at random. */
    @ParameterizedTest
    @MethodSource("dev.bellwether.policy.engine.DecoderSessionTest#references")
    void repliesGreedilyAsTransformersDoes(String name) throws IOException {
        JsonNode reference = new ObjectMapper()
                .readTree(DecoderSessionTest.REFERENCE
                        .resolve(name)
                        .resolve("reference.json")
                        .toFile());
        int[] ids = new ObjectMapper().treeToValue(reference.get("ids"), int[].class);
        int[] expected = new ObjectMapper().treeToValue(reference.get("greedy"), int[].class);
        Checkpoint model = Checkpoint.open(DecoderSessionTest.REFERENCE.resolve(name));
        List<GenerationRequest> crowd = new ArrayList<>(requests(9));
        crowd.add(4, greedy(ids, 40));
        try (GenerationEngine engine = GenerationEngine.open(model, new EngineConfig(6, 128, 100, 1, 48))) {
            assertThat(engine.generate(List.of(greedy(ids, 40))).getFirst().sampled())
                    .containsExactly(expected);
            assertThat(engine.generate(crowd).get(4).sampled()).containsExactly(expected);
        }
    }

    /** What is told of requests, in its order. */
    private static final class Told {
        private final List<String> events = new ArrayList<>();

        private GenerationListener of(String name) {
            return new GenerationListener() {
                @Override
                public void onToken(int token) {
                    events.add(name);
                }

                @Override
                public void onEnd(Completion completion) {
                    events.add(name + " ends");
                }

                @Override
                public void onFailure(RuntimeException failure) {
                    events.add(name + " fails");
                }
            };
        }
    }

    private void inTurn(EngineConfig config, Consumer<GenerationEngine> asked) {
        try (DecoderSession session = config.session(checkpoint)) {
            GenerationEngine engine = GenerationEngine.over(session, checkpoint, config);
            asked.accept(engine);
            engine.runToTheEnd();
        }
    }

    private static GenerationRequest sampled(int promptTokens, int tokens) {
        int[] prompt = new Random(promptTokens).ints(promptTokens, 3, 96).toArray();
        return new GenerationRequest(prompt, Sampling.at(1, tokens, 1), LONG);
    }

    /** Thirteen pieces of eight tokens, after each of which the others step, and newcomers join. */
    @Test
    void letsOthersInAndGoOnWhileALongPromptIsRead() {
        Told told = new Told();
        inTurn(new EngineConfig(3, 128, 16, 1, 8), engine -> {
            engine.submit(sampled(100, 1), told.of("long"));
            engine.submit(sampled(101, 1), told.of("long too"));
            for (int i = 0; i < 4; i++) {
                engine.submit(sampled(4 + i, 3), told.of("short " + i));
            }
        });
        assertThat(told.events).endsWith("long", "long ends", "long too", "long too ends");
        assertThat(told.events.stream().filter(event -> event.endsWith("ends"))).hasSize(6);
    }

    @Test
    void neverLeavesALongPromptUnreadForNewcomers() {
        Told told = new Told();
        inTurn(new EngineConfig(2, 128, 64, 1, 8), engine -> {
            engine.submit(sampled(4, 3), told.of("first"));
            engine.submit(sampled(5, 3), told.of("second"));
            engine.submit(sampled(100, 1), told.of("long"));
            for (int i = 0; i < 40; i++) {
                engine.submit(sampled(6, 3), told.of("newcomer"));
            }
        });
        assertThat(told.events.indexOf("long ends")).isLessThan(told.events.size() / 2);
    }

    /** Also those that it had taken in hand for a moment. */
    @Test
    void answersEverybodyWhateverIsThrownAndWhenever() {
        Told told = new Told();
        inTurn(new EngineConfig(4, 128, 16, 1, 64), engine -> {
            engine.submit(sampled(4, 3), told.of("taken in hand"));
            engine.submit(sampled(4, 3), new GenerationListener() {
                        @Override
                        public void onToken(int token) {}

                        @Override
                        public void onEnd(Completion completion) {
                            throw new OutOfMemoryError("no memory left, says the test");
                        }

                        @Override
                        public void onFailure(RuntimeException failure) {
                            told.events.add("cancelled fails");
                        }
                    })
                    .cancel();
            engine.submit(sampled(4, 3), told.of("waiting"));
        });
        assertThat(told.events).containsExactlyInAnyOrder("taken in hand fails", "cancelled fails", "waiting fails");
    }

    @Test
    void refusesAPromptThatFillsTheContext() {
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 16, 4, 1, 16))) {
            assertThatThrownBy(() ->
                            engine.generate(List.of(new GenerationRequest(new int[16], Sampling.at(1, 4, 1), LONG))))
                    .hasMessageContaining("16 tokens")
                    .hasMessageContaining("at most 15");
        }
    }

    @Test
    void endsCancelledAndLateRequests() throws Exception {
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 128, 4, 1, 16))) {
            GenerationRequest late = new GenerationRequest(new int[] {5}, Sampling.at(1, 100, 1), Duration.ZERO);
            assertThat(engine.generate(List.of(late)).getFirst().finish()).isEqualTo(Completion.Finish.DEADLINE);
            CompletableFuture<Completion> ended = new CompletableFuture<>();
            CompletableFuture<GenerationEngine.Generation> handle = new CompletableFuture<>();
            GenerationRequest endless = new GenerationRequest(new int[] {5}, Sampling.at(1, 100, 1), LONG);
            handle.complete(engine.submit(endless, new GenerationListener() {
                @Override
                public void onToken(int token) {
                    handle.join().cancel();
                }

                @Override
                public void onEnd(Completion completion) {
                    ended.complete(completion);
                }

                @Override
                public void onFailure(RuntimeException failure) {
                    ended.completeExceptionally(failure);
                }
            }));
            Completion completion = ended.get(30, TimeUnit.SECONDS);
            assertThat(completion.finish()).isEqualTo(Completion.Finish.CANCELLED);
            assertThat(completion.tokens()).hasSizeLessThan(100);
        }
    }

    @Test
    void reportsTheLogProbabilityOfWhatItSampledAtItsTemperature() {
        int[] prompt = {5, 6, 7, 8};
        Completion completion;
        try (GenerationEngine engine = GenerationEngine.open(checkpoint, new EngineConfig(2, 128, 4, 1, 16))) {
            completion = engine.generate(List.of(prompt), Sampling.at(.5, 6, 3), Duration.ofSeconds(30))
                    .getFirst();
        }
        try (DecoderSession session = DecoderSession.open(checkpoint, 1, 128, 1, Precision.FLOAT32)) {
            float[] logits = new float[checkpoint.config().vocabularySize()];
            session.prefill(0, List.of(prompt));
            for (int t = 0; t < completion.sampled().length; t++) {
                session.logits(0, logits);
                double sum = 0;
                for (float logit : logits) {
                    sum += Math.exp(logit / .5);
                }
                int token = completion.sampled()[t];
                double expected = logits[token] / .5 - Math.log(sum);
                assertThat((double) completion.logProbabilities()[t]).isCloseTo(expected, within(1e-4));
                session.decode(1, new int[] {token}, new int[] {prompt.length + t});
            }
        }
    }
}
