package dev.bellwether.trainer;

import dev.bellwether.trainer.doctor.DoctorCommand;
import java.util.Optional;

/** The command {@code doctor}; here, because the trainer loads every library that computes. */
public final class Doctor {
    private Doctor() {}

    public static void main(String[] arguments) {
        Trainer.prepare();
        DoctorCommand command = new DoctorCommand(Optional.ofNullable(System.getenv("BELLWETHER_HOME")));
        System.exit(Trainer.commandLine(command).execute(arguments));
    }
}
