package dev.bellwether.trainer;

import dev.bellwether.trainer.version.VersionCommand;

/** The commands that begin with {@code version}; here, because a checkpoint is checked by the trainer's own numbers. */
public final class Versions {
    private Versions() {}

    public static void main(String[] arguments) {
        Trainer.prepare();
        System.exit(Trainer.commandLine(new VersionCommand()).execute(arguments));
    }
}
