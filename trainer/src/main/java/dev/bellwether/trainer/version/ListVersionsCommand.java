package dev.bellwether.trainer.version;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.StoredVersion;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code version list}: a bot's versions, and its reward models. */
@Command(name = "list", description = "List the versions of a bot, and its reward models.")
final class ListVersionsCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ROW = "%-28s %-11s %-25s %s%n";

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Mixin
    private Place place = new Place();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        ArrayNode rows = JSON.createArrayNode();
        String champion = place.configuredChampion().orElse("");
        for (StoredVersion stored : place.store().list(place.bot())) {
            ObjectNode row = JSON.valueToTree(stored);
            rows.add(row.put("configured_champion", stored.version().equals(champion)));
        }
        if (json) {
            spec.commandLine().getOut().println(rows.toPrettyString());
        } else if (rows.isEmpty()) {
            spec.commandLine()
                    .getOut()
                    .printf("the store holds no version of %s; add one with `version add`%n", place.bot());
        } else {
            spec.commandLine().getOut().printf(ROW, "version", "kind", "created", "");
            rows.forEach(row -> spec.commandLine()
                    .getOut()
                    .printf(
                            ROW,
                            row.path("version").asText(),
                            row.path("kind").asText(),
                            row.path("created").asText("-"),
                            note((ObjectNode) row)));
        }
        return 0;
    }

    private static String note(ObjectNode row) {
        if (row.has("why")) {
            return row.path("why").asText();
        }
        String parent =
                row.path("parent").isTextual() ? "from " + row.path("parent").asText() : "";
        return row.path("configured_champion").asBoolean() ? ("champion of bots.yaml " + parent).strip() : parent;
    }
}
