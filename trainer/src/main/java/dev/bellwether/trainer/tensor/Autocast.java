package dev.bellwether.trainer.tensor;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Products in bfloat16 while it is open, on a GPU; on the processor, where they are slower, nothing. The system property
 * {@code bellwether.float32} leaves a GPU at float32, for comparing what both compute. Inside another it changes nothing.
 */
public final class Autocast implements AutoCloseable {
    private final boolean on;

    public Autocast(ComputeDevice device) {
        this.on = device.cuda()
                && !Boolean.getBoolean("bellwether.float32")
                && !torch.is_autocast_enabled(DeviceType.CUDA);
        if (on) {
            torch.set_autocast_dtype(DeviceType.CUDA, ScalarType.BFloat16);
            torch.set_autocast_enabled(DeviceType.CUDA, true);
        }
    }

    @Override
    public void close() {
        if (on) {
            torch.set_autocast_enabled(DeviceType.CUDA, false);
            torch.clear_cache();
        }
    }
}
