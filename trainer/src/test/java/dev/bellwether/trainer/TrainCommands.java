package dev.bellwether.trainer;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;

/** Runs {@code train}'s commands as the launcher does. */
public final class TrainCommands {
    private TrainCommands() {}

    /** Its exit status, and what it said of errors. */
    public record Outcome(int status, String errors) {}

    public static Outcome run(List<String> command, String... options) {
        StringWriter errors = new StringWriter();
        int status = Trainer.commandLine()
                .setErr(new PrintWriter(errors))
                .execute(Stream.concat(command.stream(), Stream.of(options)).toArray(String[]::new));
        return new Outcome(status, errors.toString());
    }
}
