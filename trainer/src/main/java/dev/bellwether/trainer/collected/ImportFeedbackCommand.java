package dev.bellwether.trainer.collected;

import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.option.Share;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code train import-feedback}: judgements that were collected elsewhere, as a snapshot that a refresh learns from. */
@Command(
        name = "import-feedback",
        description = {
            "Make a snapshot of judgements that were collected elsewhere, for `train reward|policy|refresh --snapshot`.",
            "Files are JSON lines or a JSON array: prompt, chosen and rejected (TRL, HH-RLHF); prompt, completion and"
                    + " label (TRL); or tasks of Label Studio with a Pairwise control."
        })
public final class ImportFeedbackCommand implements Callable<Integer> {
    private static final int SHOWN_MAX = 10;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Files of judgements.")
    private List<Path> files = List.of();

    @Option(names = "--out", required = true, description = "Folder of the snapshot.")
    private Path out = Path.of("");

    @Option(names = "--bot", defaultValue = "support", description = "Bot (${DEFAULT-VALUE}).")
    private String bot = "";

    @Option(
            names = "--faults-max",
            defaultValue = "0.01",
            converter = Share.class,
            description = "Share of records that may be unreadable and are left out (${DEFAULT-VALUE}).")
    private double faultsMax;

    @Override
    public Integer call() throws IOException {
        if (Snapshot.exists(out)) {
            throw new IOException("%s holds a snapshot already; name another folder with --out".formatted(out));
        }
        List<Judged> judged = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        int records = 0;
        int unjudged = 0;
        for (Path file : files) {
            FeedbackFile.Contents contents = FeedbackFile.read(file);
            judged.addAll(contents.judged());
            faults.addAll(contents.faults());
            records += contents.records();
            unjudged += contents.unjudged();
        }
        PrintWriter errors = spec.commandLine().getErr();
        faults.stream().limit(SHOWN_MAX).forEach(errors::println);
        if (faults.size() > SHOWN_MAX) {
            errors.printf("and %d more%n", faults.size() - SHOWN_MAX);
        }
        if (faults.size() > faultsMax * records) {
            throw new IOException(
                    "%d of %d records cannot be read, more than --faults-max %s allows; nothing was written"
                            .formatted(faults.size(), records, faultsMax));
        }
        if (judged.isEmpty()) {
            throw new IOException("nobody has judged anything in these files");
        }
        Snapshot snapshot = CollectedSnapshot.of(judged, bot, Clock.systemUTC().millis());
        snapshot.write(out);
        System.out.printf(
                "%d pairs and %d thumbs in %s; %d records left out as unreadable, %d not judged%n",
                snapshot.pairs().size(), snapshot.rated().size(), out, faults.size(), unjudged);
        snapshot.leftOut().reasons().forEach(System.out::println);
        return 0;
    }
}
