package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written for other runtimes, read by ONNX Runtime's own Java library as somebody else would. */
class OnnxExportTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @MethodSource("dev.bellwether.policy.engine.DecoderSessionTest#references")
    void computesTheReferenceLogitsElsewhere(String name) throws IOException, OrtException {
        Path source = DecoderSessionTest.REFERENCE.resolve(name);
        Checkpoint checkpoint = Checkpoint.open(source);
        Files.copy(source.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        OnnxExport.write(checkpoint, directory);

        DecoderSessionTest.Reference reference = DecoderSessionTest.Reference.read(name);
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession session = environment.createSession(
                directory.resolve(OnnxExport.FILE).toString(), new OrtSession.SessionOptions())) {
            Map<String, OnnxTensor> inputs = inputs(environment, checkpoint.config(), reference.ids());
            try (OrtSession.Result outputs = session.run(inputs)) {
                float[][] logits =
                        (float[][]) outputs.get("logits").orElseThrow().getValue();
                float[] expected = reference.logits()[reference.ids().length - 1];
                double size = Math.sqrt(sumOfSquares(expected) / expected.length);
                for (int v = 0; v < expected.length; v++) {
                    assertThat((double) logits[0][v]).isCloseTo(expected[v], within(1e-4 * size));
                }
            } finally {
                inputs.values().forEach(OnnxTensor::close);
            }
        }
    }

    /** One row without a past, as {@link OnnxGraph} names what it reads. */
    private static Map<String, OnnxTensor> inputs(OrtEnvironment environment, CheckpointConfig config, int[] ids)
            throws OrtException {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        long[] tokens = Arrays.stream(ids).asLongStream().toArray();
        int last = ids.length - 1;
        inputs.put("ids", OnnxTensor.createTensor(environment, LongBuffer.wrap(tokens), new long[] {1, ids.length}));
        inputs.put("lengths", OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {last}), new long[] {1}));
        inputs.put("total", OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {ids.length}), new long[0]));
        inputs.put("last", OnnxTensor.createTensor(environment, LongBuffer.wrap(new long[] {last}), new long[] {1, 1}));
        inputs.put(
                "inverse_temperature",
                OnnxTensor.createTensor(environment, FloatBuffer.wrap(new float[] {1}), new long[] {1, 1}));
        for (int layer = 0; layer < config.layers(); layer++) {
            for (String side : new String[] {"key", "value"}) {
                inputs.put(
                        "past_%s_%d".formatted(side, layer),
                        OnnxTensor.createTensor(environment, FloatBuffer.allocate(0), new long[] {
                            1, config.keyValueHeads(), 0, config.headSize()
                        }));
            }
        }
        return inputs;
    }

    private static double sumOfSquares(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return sum;
    }
}
