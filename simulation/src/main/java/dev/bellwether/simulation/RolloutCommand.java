package dev.bellwether.simulation;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutState.Shown;
import dev.bellwether.event.RolloutTransition;
import dev.bellwether.simulation.operator.OperatorClient;
import dev.bellwether.simulation.operator.OperatorClient.Status;
import dev.bellwether.standalone.RunFile;
import dev.bellwether.standalone.RunState;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code rollout}: what operators do. */
@Command(name = "rollout", description = "Look at a bot's rollout, or tell it what to do.")
final class RolloutCommand implements Callable<Integer> {
    private static final String STATUS = "status";
    private static final Duration CHANGE_LIMIT = Duration.ofSeconds(20);

    /** A version is read from disk and checked before it serves. */
    private static final Duration LOAD_LIMIT = Duration.ofSeconds(30);

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "ACTION",
            description =
                    "status, start, pause, resume, approve, promote, abort, freeze, unfreeze, pin, unpin or anchor.")
    private String action = STATUS;

    @Parameters(index = "1", paramLabel = "BOT", description = "Name of the bot.")
    private String bot = "";

    @Option(names = "--url", description = "The operators' address; else that of what runs on the data folder.")
    private Optional<URI> url = Optional.empty();

    @Option(names = "--key-file", description = "File with an operator's key; else that of the data folder.")
    private Optional<Path> keyFile = Optional.empty();

    @Option(names = "--data", defaultValue = ".bellwether", description = "The data folder (${DEFAULT-VALUE}).")
    private Path data = Path.of("");

    @Option(names = "--version", description = "The version that it is about; else the one waiting or being tried.")
    private Optional<String> version = Optional.empty();

    @Option(names = "--why", defaultValue = "asked for", description = "The reason, for the audit log.")
    private String why = "";

    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable")
    private boolean help;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Optional<OperatorClient.Command> command =
                action.equals(STATUS) ? Optional.empty() : Optional.of(command(action));
        try (OperatorClient operators = new OperatorClient(url(), key())) {
            Status status = operators.status(bot);
            if (command.isEmpty()) {
                print(status);
                return CommandLine.ExitCode.OK;
            }
            return give(operators, command.get(), status);
        }
    }

    private OperatorClient.Command command(String name) {
        return Arrays.stream(OperatorClient.Command.values())
                .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> new ParameterException(
                        spec.commandLine(),
                        "'%s' is none of status, %s."
                                .formatted(
                                        name,
                                        Arrays.stream(OperatorClient.Command.values())
                                                .map(each -> each.name().toLowerCase(Locale.ROOT))
                                                .collect(Collectors.joining(", ")))));
    }

    private int give(OperatorClient operators, OperatorClient.Command command, Status before)
            throws IOException, InterruptedException {
        long revision = before.rollout().revision();
        operators.command(bot, command, version.orElse(null), why, revision);
        boolean idle = command == OperatorClient.Command.ABORT && idle(before.rollout());
        Status after = idle ? before : operators.awaitChange(bot, revision, CHANGE_LIMIT);
        if (command == OperatorClient.Command.START) {
            after = operators.awaitEffective(bot, after, LOAD_LIMIT);
        }
        print(after);
        if (idle) {
            spec.commandLine().getErr().println("rollout: there was nothing to abort");
            return CommandLine.ExitCode.OK;
        }
        Optional<RolloutTransition> last = operators.history(bot).stream()
                .filter(transition -> transition.revision() > revision)
                .reduce((earlier, later) -> later);
        boolean undone =
                command == OperatorClient.Command.START && after.rollout().candidate() == null;
        if (undone && last.isPresent() && last.get().to() == RolloutState.Phase.ABORTED) {
            spec.commandLine()
                    .getErr()
                    .printf(
                            "rollout: it was aborted by %s: %s%n",
                            last.get().who(), last.get().why());
            return CommandLine.ExitCode.SOFTWARE;
        }
        if (last.isPresent() && last.get().why().startsWith("refused to ")) {
            spec.commandLine().getErr().println("rollout: " + last.get().why());
            return CommandLine.ExitCode.SOFTWARE;
        }
        if (last.isEmpty() && same(before.rollout(), after.rollout())) {
            spec.commandLine().getErr().println("rollout: " + unchanged(before.rollout()));
            return CommandLine.ExitCode.SOFTWARE;
        }
        return CommandLine.ExitCode.OK;
    }

    private String unchanged(RolloutState before) {
        String waiting = before.waiting().isEmpty() ? " with no version waiting" : "";
        return "'%s' changed nothing within %d s: it does not fit the phase %s%s, or the feedback stream is not running"
                .formatted(action, CHANGE_LIMIT.toSeconds(), before.phase(), waiting);
    }

    /** Whether no version is being tried, or waits. */
    private static boolean idle(RolloutState state) {
        return state.candidate() == null && state.waiting().isEmpty();
    }

    private static boolean same(RolloutState before, RolloutState after) {
        return before.phase() == after.phase()
                && before.champion().equals(after.champion())
                && Objects.equals(before.candidate(), after.candidate())
                && before.step() == after.step()
                && before.frozen() == after.frozen()
                && before.waiting().equals(after.waiting());
    }

    private URI url() throws IOException {
        return url.isPresent() ? url.get() : running("--url").operatorUrl();
    }

    private String key() throws IOException {
        return new KeyFile(
                        keyFile.isPresent()
                                ? keyFile.get()
                                : Path.of(running("--key-file").operatorKeyFile()))
                .read();
    }

    private RunState running(String option) throws IOException {
        return RunFile.in(data)
                .read()
                .orElseThrow(() -> new IOException(
                        "nothing runs on %s; name its folder with --data, or give --url and --key-file (%s is missing)"
                                .formatted(data, option)));
    }

    private void print(Status status) {
        spec.commandLine().getOut().println(json ? status.json().toPrettyString() : table(status));
    }

    private String table(Status status) {
        RolloutState rollout = status.rollout();
        StringBuilder table = new StringBuilder();
        row(table, "bot", bot);
        row(table, "phase", rollout.phase() + (rollout.frozen() ? ", frozen" : ""));
        row(table, "champion", rollout.champion());
        row(table, "candidate", none(rollout.candidate()));
        row(table, "candidate share", "%.0f %%".formatted(100 * rollout.candidateShare()));
        row(table, "previous", none(rollout.previous()));
        row(table, "waiting", rollout.waiting().isEmpty() ? "-" : String.join(", ", rollout.waiting()));
        if (rollout.held() != null) {
            row(table, "held because", rollout.held());
        }
        if (rollout.experiment() != null) {
            RolloutState.Evidence evidence = rollout.evidence();
            row(
                    table,
                    "evidence",
                    "harm %.3g, not worse %.3g, better %.3g, users split wrongly %.3g"
                            .formatted(
                                    evidence.harm(),
                                    evidence.nonInferiority(),
                                    evidence.superiority(),
                                    evidence.sampleRatio()));
            evidence.guardrails()
                    .forEach((guardrail, eValue) -> row(
                            table,
                            guardrail.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                            "evidence %.3g".formatted(eValue)));
        }
        shown(table, "down-votes", rollout.shown());
        shown(table, "in the long run", rollout.longRun());
        if (rollout.pinned() != null) {
            row(table, "pinned", rollout.pinned());
        }
        votes(table, status.json().path("scorecard").path("votes"));
        preferred(table, status.json().path("scorecard").path("events"));
        if (status.json().has("unavailable")) {
            row(table, "unavailable", status.json().path("unavailable").asText());
        }
        JsonNode chooser = status.json().path("best_of");
        if (chooser.isObject()) {
            row(table, "chooses by", chooser.path("reward_model").asText("nothing yet"));
        }
        if (chooser.has("refused")) {
            row(table, "", chooser.path("refused").asText());
        }
        status.json().path("missing").forEach(each -> row(table, "waits for", each.asText()));
        row(table, "revision", Long.toString(rollout.revision()));
        return table.toString().stripTrailing();
    }

    private static void shown(StringBuilder table, String name, @Nullable Shown shown) {
        if (shown != null) {
            row(
                    table,
                    name,
                    "%.2f to %.2f times as many as the other's; approval better with %.0f %%%s"
                            .formatted(
                                    shown.relativeDownRate().getFirst(),
                                    shown.relativeDownRate().getLast(),
                                    100 * shown.better(),
                                    shown.comparable() ? "" : ", but other users vote"));
        }
    }

    private static void preferred(StringBuilder table, JsonNode events) {
        for (JsonNode each : events) {
            if (each.path("kind").asText().equals("preferred")) {
                row(
                        table,
                        "preferred at %.0f %%"
                                .formatted(100 * each.path("candidate_share").asDouble()),
                        "the %s by %d"
                                .formatted(
                                        each.path("arm").asText(),
                                        each.path("users").asLong()));
            }
        }
    }

    private static void votes(StringBuilder table, JsonNode votes) {
        for (JsonNode each : votes) {
            row(
                    table,
                    "votes at %.0f %%"
                            .formatted(100 * each.path("candidate_share").asDouble()),
                    "%s: %d up, %d down"
                            .formatted(
                                    each.path("arm").asText(),
                                    each.path("up").asLong(),
                                    each.path("down").asLong()));
        }
    }

    private static String none(@Nullable String value) {
        return value == null ? "-" : value;
    }

    private static void row(StringBuilder table, String name, String value) {
        table.append("%-18s %s%n".formatted(name, value));
    }
}
