package dev.bellwether.trainer;

import dev.bellwether.trainer.prompt.PromptCommand;

/** The command {@code prompt}. */
public final class Prompts {
    private Prompts() {}

    public static void main(String[] arguments) {
        Trainer.prepare();
        System.exit(Trainer.commandLine(new PromptCommand()).execute(arguments));
    }
}
