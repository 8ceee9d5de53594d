package dev.bellwether.standalone;

/** An action that the JVM runs when it shuts down, unless it is cancelled first. */
final class ShutdownHook {
    private final Thread thread;

    private ShutdownHook(Thread thread) {
        this.thread = thread;
    }

    static ShutdownHook add(String name, Runnable action) {
        var thread = Thread.ofPlatform().name(name).unstarted(action);
        Runtime.getRuntime().addShutdownHook(thread);
        return new ShutdownHook(thread);
    }

    void cancel() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException shuttingDown) {
            // The action is running or about to: what it closes is closed already, and closing twice does nothing.
        }
    }
}
