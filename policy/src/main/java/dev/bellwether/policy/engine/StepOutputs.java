package dev.bellwether.policy.engine;

import dev.bellwether.policy.onnx.OnnxBinding;

/** What a language model finds in one call, for each row. */
sealed interface StepOutputs permits HeldOutputs, BlockedOutputs {
    void bind(OnnxBinding binding, int rows);

    /** A run has found something new for {@code rows} rows. */
    void written(int rows);

    /** Copies a row's logits into {@code into [vocabularySize]}. */
    void logits(int row, float[] into);

    /** A row's odds; until the next row is asked for. */
    Odds odds(int row);
}
