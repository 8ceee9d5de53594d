package dev.bellwether.simulation.customer;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Who the customers of a command are. */
public final class PopulationOptions {
    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(
            names = "--people",
            defaultValue = "0",
            description = "So many customers come again and again; with 0 (the default) each comes once.")
    private int people;

    @Option(
            names = "--hostile",
            defaultValue = "0",
            description = "Share of customers who say the opposite of what they think (${DEFAULT-VALUE}).")
    private double hostile;

    @Option(
            names = "--careless",
            defaultValue = "0",
            description = "Share of customers who say anything (${DEFAULT-VALUE}).")
    private double careless;

    @Option(
            names = "--generous",
            defaultValue = "0",
            description = "Share of customers who like everything (${DEFAULT-VALUE}).")
    private double generous;

    @Option(names = "--zealot", description = "One customer has every twentieth conversation and judges everything.")
    private boolean zealot;

    /**
     * The population.
     *
     * @throws CommandLine.ParameterException for what is no population
     */
    public Population population() {
        try {
            return new Population(people, hostile, careless, generous, zealot);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}
