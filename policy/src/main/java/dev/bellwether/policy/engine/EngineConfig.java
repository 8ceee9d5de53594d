package dev.bellwether.policy.engine;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.util.Optional;

/**
 * Settings of a generation engine.
 *
 * @param slots replies generated at once
 * @param positionsMax longest prompt and reply together, in tokens; never beyond what the model can
 * @param queueMax requests that may wait for a slot
 * @param threads of one ONNX Runtime session
 * @param prefillTokensMax tokens of prompts read between two decoding steps
 * @param precision of the weights
 * @param device where the model computes
 */
public record EngineConfig(
        int slots,
        int positionsMax,
        int queueMax,
        int threads,
        int prefillTokensMax,
        Precision precision,
        OnnxDevice device) {
    private static final int PIECE_TOKENS = 128;

    /** A GPU takes as long for eight times as many. */
    private static final int PIECES_OF_GPU = 8;

    /** In float32, on the processor. */
    public EngineConfig(int slots, int positionsMax, int queueMax, int threads, int prefillTokensMax) {
        this(slots, positionsMax, queueMax, threads, prefillTokensMax, Precision.FLOAT32, OnnxDevice.CPU);
    }

    /** The longest prompt and reply together that a model is served with, in tokens. */
    int positionsIn(CheckpointConfig model) {
        return Math.min(positionsMax, model.positionsMax());
    }

    /** A session that runs so. */
    DecoderSession session(Checkpoint checkpoint) {
        return DecoderSession.open(checkpoint, slots, positionsIn(checkpoint.config()), threads, precision, device);
    }

    /** The name of what other versions compute with, too; none where there is nothing of the kind. */
    Optional<String> shared(Checkpoint checkpoint) {
        OnnxGraph.Model model =
                OnnxGraph.languageModel(checkpoint, positionsIn(checkpoint.config()), precision, device.cuda());
        return LoadedGraph.shared(checkpoint, model, device).map(name -> name + " on " + threads);
    }

    /** Of a long prompt: as long the others wait, and with it grows what attention keeps in between. */
    int pieceTokens() {
        return Math.min(prefillTokensMax, device.cuda() ? PIECE_TOKENS * PIECES_OF_GPU : PIECE_TOKENS);
    }

    public EngineConfig {
        if (slots < 1 || positionsMax < 2 || queueMax < 1 || threads < 1 || prefillTokensMax < 1) {
            throw new IllegalArgumentException("engine: every setting must be positive");
        }
    }
}
