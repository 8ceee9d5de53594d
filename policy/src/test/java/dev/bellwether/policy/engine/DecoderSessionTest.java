package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the logits that the transformers library computes for the same checkpoints. */
class DecoderSessionTest {
    static final Path REFERENCE = Path.of("src/test/resources/reference");

    record Reference(int[] ids, float[][] logits) {
        static Reference read(String name) throws IOException {
            JsonNode json = new ObjectMapper()
                    .readTree(REFERENCE.resolve(name).resolve("reference.json").toFile());
            ObjectMapper mapper = new ObjectMapper();
            return new Reference(
                    mapper.treeToValue(json.get("ids"), int[].class),
                    mapper.treeToValue(json.get("logits"), float[][].class));
        }
    }

    static Stream<String> references() {
        return Stream.of(
                "llama-tied", "llama-grouped-bf16", "llama3-rope-f16", "qwen2-biases", "qwen3-head-norms", "mistral");
    }

    @ParameterizedTest
    @MethodSource("references")
    void computesTheReferenceLogitsTokenByToken(String name) throws IOException {
        Reference reference = Reference.read(name);
        try (DecoderSession session =
                DecoderSession.open(Checkpoint.open(REFERENCE.resolve(name)), 4, 64, 1, Precision.FLOAT32)) {
            session.prefill(0, List.of(new int[] {reference.ids()[0]}));
            for (int t = 0; ; t++) {
                assertClose(session, 0, reference.logits()[t]);
                if (t + 1 == reference.ids().length) {
                    break;
                }
                session.decode(1, new int[] {reference.ids()[t + 1]}, new int[] {t + 1});
            }
        }
    }

    @ParameterizedTest
    @MethodSource("references")
    void readsPromptsOfDifferentLengthsTogetherAndInPieces(String name) throws IOException {
        Reference reference = Reference.read(name);
        int[] ids = reference.ids();
        try (DecoderSession session =
                DecoderSession.open(Checkpoint.open(REFERENCE.resolve(name)), 4, 64, 1, Precision.FLOAT32)) {
            session.prefill(1, List.of(Arrays.copyOf(ids, 20), Arrays.copyOf(ids, 5)));
            assertClose(session, 0, reference.logits()[19]);
            assertClose(session, 1, reference.logits()[4]);
            session.extend(3, ids, 0, 7);
            session.extend(3, ids, 7, 20);
            assertClose(session, 0, reference.logits()[19]);
            session.cache().swap(3, 0, 20);
            session.cache().swap(2, 1, 5);
            session.decode(2, new int[] {ids[20], ids[5]}, new int[] {20, 5});
            assertClose(session, 0, reference.logits()[20]);
            assertClose(session, 1, reference.logits()[5]);
        }
    }

    @ParameterizedTest
    @MethodSource("references")
    void computesNearlyTheReferenceInEightBits(String name) throws IOException {
        Reference reference = Reference.read(name);
        int[] ids = reference.ids();
        try (DecoderSession session =
                DecoderSession.open(Checkpoint.open(REFERENCE.resolve(name)), 2, 64, 1, Precision.INT8)) {
            session.prefill(0, List.of(Arrays.copyOf(ids, 20), Arrays.copyOf(ids, 5)));
            assertThat(likeness(session, 0, reference.logits()[19])).isGreaterThan(.98);
            assertThat(likeness(session, 1, reference.logits()[4])).isGreaterThan(.98);
            session.decode(2, new int[] {ids[20], ids[5]}, new int[] {20, 5});
            assertThat(likeness(session, 0, reference.logits()[20])).isGreaterThan(.98);
            assertThat(likeness(session, 1, reference.logits()[5])).isGreaterThan(.98);
        }
    }

    /** As a GPU computes, whose odds stay there; on a processor unless {@code -Ddevice} says otherwise. */
    @ParameterizedTest
    @MethodSource("references")
    void computesNearlyTheReferenceInSixteenBitsWithOddsInBlocks(String name) throws IOException {
        Reference reference = Reference.read(name);
        int[] ids = reference.ids();
        OnnxDevice device = OnnxDevice.of(System.getProperty("device", "cpu"));
        Checkpoint checkpoint = Checkpoint.open(REFERENCE.resolve(name));
        try (DecoderSession session = DecoderSession.open(checkpoint, 4, 64, 1, Precision.FLOAT16, device, true)) {
            for (int row = 0; row < 4; row++) {
                session.temper(row, 2);
            }
            session.prefill(1, List.of(Arrays.copyOf(ids, 20), Arrays.copyOf(ids, 5)));
            assertNearly(session, 0, reference.logits()[19]);
            assertNearly(session, 1, reference.logits()[4]);
            session.extend(3, ids, 0, 7);
            session.extend(3, ids, 7, 20);
            assertNearly(session, 0, reference.logits()[19]);
            session.cache().swap(3, 0, 20);
            session.cache().swap(2, 1, 5);
            session.decode(2, new int[] {ids[20], ids[5]}, new int[] {20, 5});
            assertNearly(session, 0, reference.logits()[20]);
            assertNearly(session, 1, reference.logits()[5]);
        }
    }

    /** Logits as far off as float16 is coarse; odds of the tempered logits, however they are asked for. */
    private static void assertNearly(DecoderSession session, int row, float[] expected) {
        assertThat(likeness(session, row, expected)).isGreaterThan(.999);
        float[] logits = new float[expected.length];
        session.logits(row, logits);
        double[] odds = IntStream.range(0, logits.length)
                .mapToDouble(v -> Math.exp(2 * logits[v]))
                .toArray();
        double sum = DoubleStream.of(odds).sum();
        Odds found = session.odds(row);
        float[] all = found.all().clone();
        assertThat(all).hasSize(logits.length);
        assertThat(found.likeliest()).isEqualTo(Odds.largest(all));
        for (int block = 0; block < found.sums().length; block++) {
            float[] numbers = found.block(block).clone();
            double total = 0;
            for (int i = 0; i < Odds.BLOCK; i++) {
                int v = block * Odds.BLOCK + i;
                assertThat((double) numbers[i]).isCloseTo(v < all.length ? odds[v] / sum : 0, within(1e-5));
                assertThat(v < all.length ? all[v] : 0).isEqualTo(numbers[i]);
                total += numbers[i];
            }
            assertThat((double) found.sums()[block]).isCloseTo(total, within(1e-5));
        }
    }

    /** Of weights that 4 bits can hold, 4 bits compute what float32 does, but for the rounding of what is multiplied. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-tied", "llama3-rope-f16", "qwen2-biases", "qwen3-head-norms", "mistral"})
    void computesInFourBitsWhatTheRoundedWeightsDo(String name, @TempDir Path rounded) throws IOException {
        int[] ids = Reference.read(name).ids();
        Checkpoint original = Checkpoint.open(REFERENCE.resolve(name));
        float[] weights = original.parameters();
        round(original.config(), weights);
        Checkpoint.write(rounded, original.config(), weights, NumberFormat.F32);
        Checkpoint checkpoint = Checkpoint.open(rounded);
        try (DecoderSession exact = DecoderSession.open(checkpoint, 2, 64, 1, Precision.FLOAT32);
                DecoderSession session = DecoderSession.open(checkpoint, 2, 64, 1, Precision.INT4)) {
            float[] expected = new float[checkpoint.config().vocabularySize()];
            for (DecoderSession each : List.of(exact, session)) {
                each.prefill(0, List.of(Arrays.copyOf(ids, 20), Arrays.copyOf(ids, 5)));
                each.decode(2, new int[] {ids[20], ids[5]}, new int[] {20, 5});
            }
            for (int row = 0; row < 2; row++) {
                exact.logits(row, expected);
                assertThat(likeness(session, row, expected)).isGreaterThan(.98);
            }
        }
    }

    /** Rounds the layers' matrices in place. */
    private static void round(CheckpointConfig config, float[] weights) {
        BlockRounding rounding = new BlockRounding(4);
        float[] values = new float[BlockMatrix.BLOCK];
        int at = 0;
        for (TensorShape shape : config.tensors()) {
            if (shape.dimensions().size() == 2 && shape.name().contains("layers")) {
                for (int block = at; block < at + shape.size(); block += BlockMatrix.BLOCK) {
                    rounding.round(weights, block, BlockMatrix.BLOCK);
                    BlockRoundingTest.values(rounding, 4, values);
                    System.arraycopy(values, 0, weights, block, values.length);
                }
            }
            at += Math.toIntExact(shape.size());
        }
    }

    /** The cosine between what was computed and what should be. */
    private static double likeness(DecoderSession session, int row, float[] expected) {
        float[] actual = new float[expected.length];
        session.logits(row, actual);
        return product(actual, expected) / Math.sqrt(product(actual, actual) * product(expected, expected));
    }

    private static double product(float[] one, float[] other) {
        double sum = 0;
        for (int i = 0; i < one.length; i++) {
            sum += (double) one[i] * other[i];
        }
        return sum;
    }

    private static void assertClose(DecoderSession session, int row, float[] expected) {
        float[] actual = new float[expected.length];
        session.logits(row, actual);
        double scale = 0;
        for (float number : expected) {
            scale = Math.max(scale, Math.abs(number));
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) actual[i]).isCloseTo(expected[i], within(1e-4 * scale));
        }
    }
}
