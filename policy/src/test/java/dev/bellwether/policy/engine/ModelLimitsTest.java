package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Architecture;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.Rotary;
import dev.bellwether.policy.onnx.OnnxDevice;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ModelLimitsTest {
    private static final long GIB = 1L << 30;

    /** 30 layers, 3 heads of 64 for keys: 46 080 bytes a token, as SmolLM2-135M has. */
    private static final CheckpointConfig SMOL = model(30, 3, 64, 8_192);

    private static CheckpointConfig model(int layers, int keyHeads, int headSize, int positions) {
        return new CheckpointConfig(
                Architecture.LLAMA,
                100,
                576,
                1_536,
                layers,
                9,
                keyHeads,
                headSize,
                positions,
                1e-5,
                new Rotary(10_000, null),
                true,
                List.of(1),
                null,
                0,
                0,
                Pooling.LAST);
    }

    private static EngineConfig engine(Optional<Integer> contextMax, long memory, CheckpointConfig model) {
        return new ModelLimits(contextMax, memory, 1, Optional.of(Precision.FLOAT32), "cpu").engine(model);
    }

    @Test
    void givesASmallModelItsWholeContextAndAllSlots() {
        EngineConfig engine = ModelLimits.DEFAULT.engine(model(4, 3, 64, 512));
        assertThat(engine.positionsMax()).isEqualTo(512);
        assertThat(engine.slots()).isEqualTo(32);
    }

    @Test
    void dividesTheMemoryAmongEightRepliesWhereAWholeContextWouldFillIt() {
        assertThat(ModelLimits.bytesPerToken(SMOL, Precision.FLOAT32)).isEqualTo(46_080);
        assertThat(ModelLimits.bytesPerToken(SMOL, Precision.INT4)).isEqualTo(23_040);
        EngineConfig engine = ModelLimits.DEFAULT.engine(SMOL);
        assertThat(engine.positionsMax()).isEqualTo(2_912);
        assertThat(engine.slots()).isEqualTo(8);
    }

    @Test
    void givesMoreMemoryToALongerContextFirst() {
        EngineConfig engine = engine(Optional.empty(), 4 * GIB, SMOL);
        assertThat(engine.positionsMax()).isEqualTo(8_192);
        assertThat(engine.slots()).isEqualTo(11);
    }

    @Test
    void keepsToTheContextThatIsAskedFor() {
        EngineConfig engine = engine(Optional.of(2_048), GIB, SMOL);
        assertThat(engine.positionsMax()).isEqualTo(2_048);
        assertThat(engine.slots()).isEqualTo(11);
        assertThat(engine(Optional.of(100_000), 4 * GIB, SMOL).positionsMax()).isEqualTo(8_192);
        assertThat(engine(Optional.of(8_192), GIB / 4, SMOL).positionsMax()).isEqualTo(5_825);
        assertThat(engine(Optional.of(8_192), GIB / 4, SMOL).slots()).isEqualTo(1);
    }

    @Test
    void takesNoMoreMemoryThanItMay() {
        for (long memory : new long[] {3_000_000, GIB / 16, GIB / 3, GIB, 7 * GIB}) {
            EngineConfig engine = engine(Optional.empty(), memory, SMOL);
            assertThat((long) engine.slots()
                            * engine.positionsMax()
                            * ModelLimits.bytesPerToken(SMOL, Precision.FLOAT32))
                    .isLessThanOrEqualTo(memory);
        }
    }

    @Test
    void refusesWhatHoldsNoConversation() {
        assertThatThrownBy(() -> engine(Optional.empty(), 1_000_000, SMOL))
                .hasMessageContaining("memory_max")
                .hasMessageContaining("21 tokens");
        assertThatThrownBy(() ->
                        new ModelLimits(Optional.empty(), GIB, 1, Optional.of(Precision.FLOAT16), "cpu").engine(SMOL))
                .hasMessageContaining("precision is float16 on a GPU, and float32, int8 or int4 on a processor");
        assertThatThrownBy(() -> new ModelLimits(Optional.empty(), GIB, 1, Optional.empty(), "gpu"))
                .hasMessageContaining("device is auto, cpu or cuda:N");
        assertThatThrownBy(() -> new ModelLimits(Optional.of(5), GIB, 1, Optional.of(Precision.FLOAT32), "cpu"))
                .hasMessageContaining("context_max");
    }

    @Test
    void aPrecisionOfProcessorsAsksForOne() {
        for (Precision precision : new Precision[] {Precision.FLOAT32, Precision.INT8, Precision.INT4}) {
            EngineConfig engine =
                    new ModelLimits(Optional.empty(), GIB, 1, Optional.of(precision), OnnxDevice.AUTO).engine(SMOL);
            assertThat(engine.device().cuda()).isFalse();
            assertThat(engine.precision()).isEqualTo(precision);
        }
    }
}
