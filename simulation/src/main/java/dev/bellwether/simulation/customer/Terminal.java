package dev.bellwether.simulation.customer;

import java.io.Console;

/** Whether a person is watching. */
public final class Terminal {
    private Terminal() {}

    /** Which console there is depends on the JDK: some have none away from a terminal. */
    @SuppressWarnings("SystemConsoleNull")
    public static boolean attached() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
