package dev.bellwether.policy.onnx;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Memory of a GPU, and the host's memory from which it reads fastest. */
final class CudaMemory implements TensorMemory {
    private final CudaDriver driver;
    private final MemorySegment context;
    private final List<MemorySegment> given = new ArrayList<>();
    private final List<MemorySegment> hosts = new ArrayList<>();

    CudaMemory(CudaDriver driver, int device) {
        this.driver = driver;
        this.context = driver.context(device);
    }

    @Override
    public MemorySegment allocate(long bytes) {
        driver.use(context);
        MemorySegment memory = driver.allocate(bytes);
        given.add(memory);
        return memory;
    }

    @Override
    public MemorySegment staged(MemorySegment here) {
        return host(here.byteSize());
    }

    @Override
    public MemorySegment host(long bytes) {
        driver.use(context);
        MemorySegment memory = driver.allocateHost(bytes);
        hosts.add(memory);
        return memory;
    }

    @Override
    public void bring(MemorySegment from, MemorySegment here, long bytes) {
        driver.use(context);
        driver.toDevice(from.asSlice(0, bytes), here.asSlice(0, bytes));
    }

    @Override
    public void read(MemorySegment here, MemorySegment host) {
        driver.use(context);
        driver.toHost(here, host);
    }

    @Override
    public void copyRows(MemorySegment from, MemorySegment to, long bytes, int rows, long pitch) {
        driver.use(context);
        if (rows == 1) {
            driver.copy(from, to, bytes);
        } else {
            driver.copyRows(from, to, bytes, rows, pitch);
        }
    }

    @Override
    public void settle() {
        driver.use(context);
        driver.synchronize();
    }

    @Override
    public void close() {
        driver.use(context);
        try {
            given.forEach(driver::free);
        } finally {
            hosts.forEach(driver::freeHost);
            given.clear();
            hosts.clear();
        }
    }
}
