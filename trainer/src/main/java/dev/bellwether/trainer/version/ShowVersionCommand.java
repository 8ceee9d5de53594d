package dev.bellwether.trainer.version;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.PolicyStore;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code version show}: a version's manifest, and the description of an upstream, as JSON. */
@Command(name = "show", description = "Show a version's manifest, and what it says of an upstream, as JSON.")
final class ShowVersionCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
            .build();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Mixin
    private Place place = new Place();

    @Parameters(index = "1", paramLabel = "VERSION", description = "Version to show.")
    private String version = "";

    @Override
    public Integer call() throws IOException {
        PolicyStore store = place.store();
        Manifest manifest = store.manifest(place.bot(), version);
        ObjectNode json = JSON.valueToTree(manifest);
        if (manifest.artefactKind() == ArtefactKind.UPSTREAM) {
            json.set("upstream", store.openUpstream(place.bot(), version).toJson());
        }
        spec.commandLine().getOut().println(json.toPrettyString());
        return 0;
    }
}
