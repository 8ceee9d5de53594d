package dev.bellwether.policy.checkpoint;

/**
 * Llama 3's stretching of the rotary frequencies to contexts longer than those trained on.
 *
 * @param factor by how much low frequencies are slowed
 * @param lowFrequencyFactor wavelengths above {@code originalPositions / lowFrequencyFactor} are slowed fully
 * @param highFrequencyFactor wavelengths below {@code originalPositions / highFrequencyFactor} stay as they are
 * @param originalPositions the context length before stretching, in tokens
 */
public record RopeScaling(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions) {

    double apply(double frequency) {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < originalPositions / highFrequencyFactor) {
            return frequency;
        }
        if (wavelength > originalPositions / lowFrequencyFactor) {
            return frequency / factor;
        }
        double smooth =
                (originalPositions / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
        return (1 - smooth) * frequency / factor + smooth * frequency;
    }
}
