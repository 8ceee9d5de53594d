package dev.bellwether.policy.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxDeviceTest {
    /** On a GPU where {@code -Ddevice} says so. */
    private static final OnnxDevice DEVICE = OnnxDevice.of(System.getProperty("device", "cpu"));

    @ParameterizedTest
    @ValueSource(strings = {"gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""})
    void refusesWhatIsNoDevice(String setting) {
        assertThatThrownBy(() -> OnnxDevice.of(setting)).hasMessageContaining("device is auto, cpu or cuda:N");
    }

    @Test
    void saysWhyTheGpuThatWasNamedIsNotThere() {
        assertThatThrownBy(() -> OnnxDevice.of("cuda:63"))
                .hasMessageContaining("device is cuda:63, but NVIDIA's driver finds")
                .hasMessageContaining("./bellwether doctor");
    }

    @Test
    void takesTheProcessorWhereNothingElseAnswersAndSaysWhy() {
        OnnxDevice device = OnnxDevice.of(OnnxDevice.AUTO);
        assertThat(device.why()).isNotBlank();
        assertThat(device.cuda()).isEqualTo(!device.toString().equals("cpu"));
    }

    @Test
    void copiesRowsOfItsMemoryAndReadsThemBack() {
        try (TensorMemory memory = DEVICE.memory();
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = memory.allocate(24);
            MemorySegment other = memory.allocate(24);
            MemorySegment host = memory.staged(one);
            for (int i = 0; i < 24; i++) {
                host.set(ValueLayout.JAVA_BYTE, i, (byte) i);
            }
            memory.bring(host, one, 24);
            memory.copyRows(one, other, 3, 3, 8);
            memory.settle();
            MemorySegment read = arena.allocate(24);
            memory.read(other, read);
            assertThat(read.toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(0, 1, 2, 0, 0, 0, 0, 0, 8, 9, 10, 0, 0, 0, 0, 0, 16, 17, 18, 0, 0, 0, 0, 0);
            memory.copyRows(one, other, 24, 1, 24);
            memory.read(other, read);
            assertThat(read.get(ValueLayout.JAVA_BYTE, 23)).isEqualTo((byte) 23);
        }
    }
}
