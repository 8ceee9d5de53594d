package dev.bellwether.trainer.version;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code version remove}: takes a version that nothing uses out of the store. */
@Command(name = "remove", description = "Take a version that nothing uses out of the store, for good.")
final class RemoveVersionCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Mixin
    private Place place = new Place();

    @Parameters(index = "1", paramLabel = "VERSION", description = "Version to remove.")
    private String version = "";

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<String> uses = place.uses(version);
        if (!uses.isEmpty()) {
            spec.commandLine()
                    .getErr()
                    .printf("version %s of %s stays: %s%n", version, place.bot(), String.join("; ", uses));
            return 1;
        }
        if (!place.store().remove(place.bot(), version)) {
            spec.commandLine().getErr().printf("the store has no version %s of %s%n", version, place.bot());
            return 1;
        }
        spec.commandLine().getOut().printf("version %s of %s is removed%n", version, place.bot());
        return 0;
    }
}
