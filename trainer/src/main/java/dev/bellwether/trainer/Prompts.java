package dev.bellwether.trainer;

import dev.bellwether.trainer.prompt.PromptCommand;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** The command {@code prompt}. */
public final class Prompts {
    private Prompts() {}

    public static void main(String[] arguments) {
        Trainer.prepare();
        // A prompt is UTF-8 whatever the terminal is: its bytes are what the model reads.
        PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
        System.exit(Trainer.commandLine(new PromptCommand()).setOut(out).execute(arguments));
    }
}
