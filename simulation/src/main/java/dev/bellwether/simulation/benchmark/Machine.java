package dev.bellwether.simulation.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** What a Linux machine says of itself and of its processes. */
final class Machine {
    private static final Path CPU = Path.of("/proc/cpuinfo");
    private static final Path MEMORY = Path.of("/proc/meminfo");

    /** Of {@code /proc/PID/stat}: proc(5). */
    private static final double TICKS_PER_SECOND = 100;

    private Machine() {}

    static String describe() throws IOException {
        String processor = field(CPU, "model name").orElse("an unknown processor");
        String memory = field(MEMORY, "MemTotal").orElse("?").replace(" kB", "");
        long gigabytes = memory.matches("\\d+") ? Math.round(Long.parseLong(memory) / 1_048_576.0) : 0;
        return "%d cores of %s, %d GB".formatted(cores(), processor, gigabytes);
    }

    static int cores() throws IOException {
        return (int) Files.readAllLines(CPU).stream()
                .filter(line -> line.startsWith("processor"))
                .count();
    }

    private static Optional<String> field(Path file, String name) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst();
    }

    /** Processor time that a process has taken so far, in user and system mode, its ended children's left out. */
    static Duration processorTime(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        double ticks = Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]);
        return Duration.ofNanos((long) (ticks / TICKS_PER_SECOND * 1e9));
    }

    /** Resident memory of a process. */
    static long residentBytes(long pid) throws IOException {
        String kilobytes = field(Path.of("/proc", Long.toString(pid), "status"), "VmRSS")
                .orElse("0 kB")
                .replace(" kB", "");
        return Long.parseLong(kilobytes) * 1024;
    }

    /** Puts this process, and whatever it starts from now on, on one core; false where the machine does not let it. */
    static boolean stayOn(int core) throws IOException, InterruptedException {
        long pid = ProcessHandle.current().pid();
        Process taskset = new ProcessBuilder(
                        List.of("taskset", "-a", "-c", "-p", Integer.toString(core), Long.toString(pid)))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return taskset.waitFor(10, TimeUnit.SECONDS) && taskset.exitValue() == 0;
    }

    static List<String> on(int core) {
        return List.of("taskset", "-c", Integer.toString(core));
    }
}
