package dev.bellwether.trainer.refresh;

import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.settings.WatchedFile;
import dev.bellwether.trainer.dataset.Snapshot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What the commands that run a refresh by hand have in common. */
final class RefreshOptions {
    @Option(
            names = "--snapshot",
            required = true,
            description = "Folder with pairs.jsonl and rated.jsonl, such as a refresh's own folder.")
    private Path snapshot = Path.of("");

    @Option(names = "--out", required = true, description = "Folder of this refresh; one that was cut off goes on.")
    private Path out = Path.of("");

    @Option(names = "--store", required = true, description = "Policy store, DATA/store of an installation.")
    private Path store = Path.of("");

    @Option(names = "--bot", defaultValue = "support", description = "Bot (${DEFAULT-VALUE}).")
    private String bot = "";

    @Option(names = "--origin", defaultValue = "default", description = "Version to start from (${DEFAULT-VALUE}).")
    private String origin = "";

    @Option(names = "--champion", description = "Version that the candidate must beat; the origin by default.")
    private Optional<String> champion = Optional.empty();

    @Option(names = "--version", defaultValue = "candidate", description = "Name of the candidate (${DEFAULT-VALUE}).")
    private String version = "";

    @Option(names = "--bots", description = "bots.yaml with the bot's settings; defaults otherwise.")
    private Optional<Path> bots = Optional.empty();

    /** Runs the refresh up to {@code until} and prints what came of it. */
    Integer run(Refresh.Until until) throws IOException {
        if (!Snapshot.exists(snapshot)) {
            throw new IOException("%s holds no pairs.jsonl and rated.jsonl".formatted(snapshot));
        }
        RefreshPlan plan = plan(until);
        Report report = new Refresh(
                        plan.order(),
                        plan.config(),
                        new PolicyStore(store),
                        out,
                        RefreshOptions::print,
                        Clock.systemUTC())
                .run(Snapshot.read(snapshot));
        System.out.printf(
                "%d judgements, %d pairs, reward accuracy %.3f, KL %.2f, %.0f s%n",
                report.judgements(), report.pairs(), report.rewardAccuracy(), report.kl(), report.seconds());
        if (until == Refresh.Until.PUBLISH) {
            System.out.println(outcome(report));
        }
        List<String> reasons = report.reasons();
        reasons.forEach(reason -> System.out.println("  " + reason));
        return 0;
    }

    /** What the refresh in this folder was begun with, or is begun with now. */
    private RefreshPlan plan(Refresh.Until until) throws IOException {
        RefreshConfig config = RefreshConfig.defaults();
        if (bots.isPresent()) {
            RefreshService.BotRefresh settings =
                    new WatchedFile<>(bots.get(), ServeCommand::read).value().get(bot);
            if (settings == null) {
                throw new IOException("%s has no bot %s".formatted(bots.get(), bot));
            }
            config = settings.config();
        }
        RefreshPlan asked =
                new RefreshPlan(Refresh.Order.first(bot, version, origin, champion.orElse(origin), until), config, 0);
        RefreshPlan plan = RefreshPlan.read(out).orElse(asked).until(until);
        if (!plan.order().equals(asked.order())) {
            throw new IOException("%s holds a refresh of %s that makes %s from %s against %s; choose another folder"
                    .formatted(
                            out,
                            plan.order().bot(),
                            plan.order().version(),
                            plan.order().origin(),
                            plan.order().champion()));
        }
        if (!plan.config().equals(config)) {
            System.err.printf("the refresh in %s goes on with the settings that it was begun with%n", out);
        }
        plan.write(out);
        return plan;
    }

    private static String outcome(Report report) {
        if (report.passed()) {
            return report.version() == null ? "the reward model is published" : "the release gate passed";
        }
        return report.version() == null ? "no version was made" : "the release gate refused";
    }

    private static void print(String stage, double fraction, Map<String, Double> metrics) {
        System.err.printf("%-9s %3.0f %%  %s%n", stage, 100 * fraction, metrics);
    }
}
