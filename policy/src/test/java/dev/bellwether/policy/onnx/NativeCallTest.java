package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import org.junit.jupiter.api.Test;

class NativeCallTest {
    @Test
    void givesBackTheNumberThatAFunctionReturns() {
        MethodHandle abs = NativeCall.handle(
                Linker.nativeLinker().defaultLookup().findOrThrow("abs"), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        assertThat(NativeCall.invoke(abs, new Object[] {-7})).isEqualTo(7);
    }
}
