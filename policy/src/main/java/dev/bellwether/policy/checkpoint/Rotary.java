package dev.bellwether.policy.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * The rotary position embedding of a model.
 *
 * @param theta base of the frequencies
 * @param scaling for contexts longer than those trained on; none where there is none
 */
public record Rotary(double theta, @Nullable RopeScaling scaling) {

    /** Cosines and sines, each {@code [positions, headSize / 2]}, row by row. */
    public float[][] tables(int positions, int headSize) {
        int half = headSize / 2;
        float[] cosines = new float[positions * half];
        float[] sines = new float[positions * half];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(theta, -2.0 * i / headSize);
            double scaled = scaling == null ? frequency : scaling.apply(frequency);
            for (int position = 0; position < positions; position++) {
                cosines[position * half + i] = (float) Math.cos(position * scaled);
                sines[position * half + i] = (float) Math.sin(position * scaled);
            }
        }
        return new float[][] {cosines, sines};
    }
}
