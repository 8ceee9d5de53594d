package dev.bellwether.simulation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.bellwether.event.EventJson;
import dev.bellwether.simulation.operator.DeadLetters;
import dev.bellwether.simulation.operator.DeadLetters.Letter;
import dev.bellwether.standalone.RunFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code dead-letters}: the records that the feedback stream put aside, and sending them once more. */
@Command(
        name = "dead-letters",
        description = "List the records that the feedback stream put aside, or send them to their topics once more.")
final class DeadLettersCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = EventJson.mapper();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--data", defaultValue = ".bellwether", description = "The data folder (${DEFAULT-VALUE}).")
    private Path data = Path.of("");

    @Option(names = "--kafka", description = "The brokers; else those of what runs on the data folder.")
    private Optional<String> kafka = Optional.empty();

    @Option(names = "--topic", description = "Only of this topic.")
    private Optional<String> topic = Optional.empty();

    @Option(names = "--replay", description = "Send them once more, after the repair of what refused them.")
    private boolean replay;

    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    @Override
    public Integer call() throws IOException {
        DeadLetters all = new DeadLetters(kafka());
        List<Letter> letters = all.list().stream()
                .filter(letter ->
                        topic.isEmpty() || topic.get().equals(letter.about().topic()))
                .toList();
        if (replay) {
            List<Letter> sent = letters.stream().filter(Letter::replayable).toList();
            all.replay(sent);
            print(letters, Optional.of(sent.size()));
        } else {
            print(letters, Optional.empty());
        }
        return CommandLine.ExitCode.OK;
    }

    private String kafka() throws IOException {
        if (kafka.isPresent()) {
            return kafka.get();
        }
        return RunFile.in(data)
                .read()
                .orElseThrow(() -> new IOException(
                        "nothing runs on %s; name its folder with --data, or the brokers with --kafka".formatted(data)))
                .kafka();
    }

    private void print(List<Letter> letters, Optional<Integer> sent) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            ArrayNode rows = JSON.createArrayNode();
            letters.forEach(letter -> rows.addObject()
                    .put("time", letter.time())
                    .put("key", text(letter.key()))
                    .set("letter", JSON.valueToTree(letter.about())));
            var whole = JSON.createObjectNode();
            whole.set("dead_letters", rows);
            sent.ifPresent(count -> whole.put("sent", count));
            out.println(whole.toPrettyString());
            return;
        }
        for (Letter letter : letters) {
            out.printf(
                    "%s  %s %d/%d  key %s%n    %s%n",
                    Instant.ofEpochMilli(letter.time()),
                    letter.about().topic(),
                    letter.about().partition(),
                    letter.about().offset(),
                    Optional.ofNullable(text(letter.key())).orElse("none"),
                    letter.about().reason().lines().findFirst().orElse(""));
        }
        out.println(
                letters.isEmpty()
                        ? "no record was put aside"
                        : sent.map(count -> "%d of %d records were sent once more".formatted(count, letters.size()))
                                .orElse(letters.size()
                                        + " records; after the repair send them once more with --replay"));
    }

    private static @Nullable String text(byte @Nullable [] key) {
        return key == null ? null : new String(key, StandardCharsets.UTF_8);
    }
}
