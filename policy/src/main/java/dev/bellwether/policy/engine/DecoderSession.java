package dev.bellwether.policy.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A loaded model with its cache; one thread at a time. */
final class DecoderSession implements AutoCloseable {
    private final OrtEnvironment environment = OnnxSession.ENVIRONMENT;
    private final CheckpointConfig config;
    private final OrtSession session;
    private final KeyValueCache cache;

    private DecoderSession(CheckpointConfig config, OrtSession session, KeyValueCache cache) {
        this.config = config;
        this.session = session;
        this.cache = cache;
    }

    static DecoderSession open(Checkpoint checkpoint, int slots, int positions, int threads) {
        OrtSession session = OnnxSession.open(checkpoint, OnnxGraph.languageModel(checkpoint, positions), threads);
        try {
            KeyValueCache cache = new KeyValueCache(OnnxSession.ENVIRONMENT, checkpoint.config(), slots, positions);
            return new DecoderSession(checkpoint.config(), session, cache);
        } catch (RuntimeException | Error e) {
            OnnxSession.close(session);
            throw e;
        }
    }

    KeyValueCache cache() {
        return cache;
    }

    /**
     * Reads whole prompts into {@code prompts.size()} slots from {@code first} on.
     *
     * @return logits after each prompt's last token, row by row
     */
    float[] prefill(int first, List<int[]> prompts) {
        int rows = prompts.size();
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        long[] ids = new long[rows * longest];
        long[] last = new long[rows];
        int[] lengths = new int[rows];
        for (int row = 0; row < rows; row++) {
            int[] prompt = prompts.get(row);
            for (int t = 0; t < prompt.length; t++) {
                ids[row * longest + t] = prompt[t];
            }
            last[row] = prompt.length - 1L;
            lengths[row] = prompt.length - 1;
        }
        return run(first, ids, rows, longest, last, lengths, longest);
    }

    /**
     * Reads {@code tokens} into slot {@code slot}, which holds {@code past} tokens already.
     *
     * @return logits after the last of them
     */
    float[] extend(int slot, int past, int[] tokens) {
        long[] ids = new long[tokens.length];
        for (int t = 0; t < tokens.length; t++) {
            ids[t] = tokens[t];
        }
        int total = past + tokens.length;
        return run(slot, ids, 1, tokens.length, new long[] {tokens.length - 1L}, new int[] {total - 1}, total);
    }

    /**
     * One decoding step of slots {@code [0, rows)}.
     *
     * @param tokens the last token of each row
     * @param lengths tokens that each row's cache held before this step
     * @return logits for the next token, row by row
     */
    float[] decode(int rows, int[] tokens, int[] lengths) {
        long[] ids = new long[rows];
        int total = 0;
        for (int row = 0; row < rows; row++) {
            ids[row] = tokens[row];
            total = Math.max(total, lengths[row] + 1);
        }
        return run(0, ids, rows, 1, new long[rows], Arrays.copyOf(lengths, rows), total);
    }

    private float[] run(int first, long[] ids, int rows, int length, long[] last, int[] lengths, int total) {
        try (OnnxTensor idTensor =
                        OnnxTensor.createTensor(environment, LongBuffer.wrap(ids), new long[] {rows, length});
                OnnxTensor lastTensor =
                        OnnxTensor.createTensor(environment, LongBuffer.wrap(last), new long[] {rows, 1});
                OnnxTensor lengthTensor =
                        OnnxTensor.createTensor(environment, IntBuffer.wrap(lengths), new long[] {rows});
                OnnxTensor totalTensor =
                        OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {total}), new long[] {})) {
            KeyValueCache.Binding binding = cache.binding(first, rows);
            Map<String, OnnxTensor> inputs = new HashMap<>(binding.inputs());
            inputs.put("ids", idTensor);
            inputs.put("last", lastTensor);
            inputs.put("lengths", lengthTensor);
            inputs.put("total", totalTensor);
            float[] logits = new float[rows * config.vocabularySize()];
            try (OrtSession.Result result = session.run(inputs, Set.of("logits"), binding.outputs())) {
                ((OnnxTensor) result.get("logits").orElseThrow())
                        .getFloatBuffer()
                        .get(logits);
            }
            return logits;
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime failed: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            cache.close();
        } finally {
            OnnxSession.close(session);
        }
    }
}
