package dev.bellwether.trainer.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * This process's own environment, for native libraries that take settings from nowhere else.
 *
 * <p>OpenMP's threads wait for work by spinning, for as long as milliseconds. Where others need the processor that costs
 * more than the work: a training step of a small model takes three times as long.
 */
final class Environment {
    private Environment() {}

    /** Sets {@code variable}, unless it is set; a library that is loaded already does not see it. */
    @SuppressWarnings("restricted")
    static void preset(String variable, String value) {
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            int _ = (int) linker.downcallHandle(
                            linker.defaultLookup().findOrThrow("setenv"),
                            FunctionDescriptor.of(
                                    ValueLayout.JAVA_INT,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.ADDRESS,
                                    ValueLayout.JAVA_INT))
                    .invokeExact(arena.allocateFrom(variable), arena.allocateFrom(value), 0);
        } catch (Throwable e) {
            throw new IllegalStateException("setenv cannot be called", e);
        }
    }
}
