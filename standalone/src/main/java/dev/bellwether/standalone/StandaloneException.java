package dev.bellwether.standalone;

import java.nio.file.Path;
import java.time.Duration;

/** Something that keeps a local process or installation from running: a stable code, the fact, and what to do. */
public final class StandaloneException extends RuntimeException {
    /** Below this, ports are for root unless the system is set otherwise. */
    private static final int PRIVILEGED = 1024;

    private final String code;

    StandaloneException(String code, String message) {
        super(message);
        this.code = code;
    }

    static StandaloneException portInUse(int port) {
        return new StandaloneException(
                "port_in_use",
                ("Port %d on 127.0.0.1 is in use by another program%s. Nothing was started. "
                                + "Stop that program, or choose another port with --port.")
                        .formatted(port, port < PRIVILEGED ? ", or may be used by root alone" : ""));
    }

    static StandaloneException noFreePort(int attempts) {
        return new StandaloneException(
                "no_free_port",
                "Found no free port on 127.0.0.1 in %d attempts. Stop programs that listen there, and start again."
                        .formatted(attempts));
    }

    static StandaloneException folderInUse(Path folder, String owner) {
        return new StandaloneException(
                "folder_in_use",
                ("The data folder %s is in use by process %s. "
                                + "Stop it with `./bellwether down --data '%s'`, or choose another folder with --data.")
                        .formatted(folder, owner, folder));
    }

    static StandaloneException processFailed(String name, String what, Path log, String logTail) {
        return new StandaloneException(
                "process_failed", "%s %s. The end of its log %s:%n%s".formatted(name, what, log, logTail.indent(4)));
    }

    static StandaloneException notReady(String name, Duration limit, Path log, String logTail) {
        return processFailed(name, "was not ready within %d s".formatted(limit.toSeconds()), log, logTail);
    }

    static StandaloneException interrupted(String what) {
        Thread.currentThread().interrupt();
        return new StandaloneException("interrupted", "Interrupted while waiting for " + what + ".");
    }

    /** Names the kind of failure for programs, as {@code port_in_use} or {@code process_failed}. */
    public String code() {
        return code;
    }
}
