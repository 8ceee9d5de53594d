package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.trainer.dataset.Erasures;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.external.ExternalTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The folders of all bots' refreshes, {@code DATA/BOT/REFRESH}, named by when each began: what is known after a restart. */
final class RefreshFolders {
    private static final Logger LOG = LoggerFactory.getLogger(RefreshFolders.class);
    private static final DateTimeFormatter NAME =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private static final String ANNOUNCED = "announced";

    /** What is left of a refresh of long ago. */
    private static final Set<String> LEFT = Set.of(RefreshPlan.FILE, Refresh.REPORT, ANNOUNCED);

    private final Path data;

    /** By bot; read from disk once. */
    private final Map<String, Instant> learned = new HashMap<>();

    RefreshFolders(Path data) {
        this.data = data;
    }

    /** What a refresh is called that begins at {@code instant}. */
    static String name(Instant instant) {
        return NAME.format(instant);
    }

    /** What its candidate is called. */
    static String version(String refresh) {
        return "v" + refresh;
    }

    Path of(String bot, String refresh) {
        return data.resolve(bot).resolve(refresh);
    }

    /** When the bot's last refresh began; the epoch where there was none. */
    Instant begun(String bot) {
        try {
            return all(bot).stream()
                    .map(folder -> NAME.parse(String.valueOf(folder.getFileName()), Instant::from))
                    .max(Comparator.naturalOrder())
                    .orElse(Instant.EPOCH);
        } catch (IOException | DateTimeException e) {
            LOG.warn("when the last refresh of {} began cannot be found out: {}", bot, e.getMessage());
            return Instant.EPOCH;
        }
    }

    /** Time of the newest judgement that the bot's last refresh was begun with. */
    Instant learnedUntil(String bot) {
        return learned.computeIfAbsent(bot, this::readLearnedUntil);
    }

    private Instant readLearnedUntil(String bot) {
        try {
            for (Path refresh : all(bot).reversed()) {
                Optional<RefreshPlan> plan = RefreshPlan.read(refresh);
                if (plan.isPresent()) {
                    return Instant.ofEpochMilli(plan.get().judgedUntil());
                }
            }
        } catch (IOException e) {
            LOG.warn("what refreshes of {} have learned cannot be found out: {}", bot, e.getMessage());
        }
        return Instant.EPOCH;
    }

    /** How many refreshes of the bot have begun. */
    int count(String bot) {
        try {
            return all(bot).size();
        } catch (IOException e) {
            LOG.warn("the refreshes of {} cannot be counted: {}", bot, e.getMessage());
            return 0;
        }
    }

    /** For each candidate of the bot that came to the release gate, oldest first, whether it was let through. */
    List<Boolean> passed(String bot) throws IOException {
        List<Boolean> passed = new ArrayList<>();
        for (Path folder : all(bot)) {
            Refresh.report(folder)
                    .filter(report -> report.version() != null)
                    .ifPresent(report -> passed.add(report.passed()));
        }
        return passed;
    }

    /** Remembers what a refresh is begun with. */
    void begin(String refresh, RefreshPlan plan) throws IOException {
        plan.write(of(plan.order().bot(), refresh));
        learned.remove(plan.order().bot());
    }

    /** Remembers that a refresh is over; of what it learned nothing is left but the snapshot and what was published. */
    void end(String bot, String refresh, Instant when) throws IOException {
        Path folder = of(bot, refresh);
        Files.writeString(folder.resolve(ANNOUNCED), when.toString());
        new Stages(folder).delete();
        ExternalTraining.delete(folder);
    }

    /** Takes away what the bot's refreshes but the last {@code kept} left: their data, and those of their versions not {@code used}. */
    void tidy(String bot, int kept, PolicyStore store, Set<String> used) throws IOException {
        Optional<String> newest = store.newestReward(bot);
        for (String refresh : thin(bot, kept)) {
            String candidate = version(refresh);
            for (String version : List.of(candidate, Refresh.Order.rewardModel(candidate))) {
                if (store.contains(bot, version)
                        && !used.contains(version)
                        && !newest.filter(version::equals).isPresent()
                        && store.adaptersOf(bot, version).isEmpty()
                        && store.remove(bot, version)) {
                    LOG.info("version {} of {} is removed: nothing uses it, and it is old", version, bot);
                }
            }
        }
    }

    /**
     * Deletes what people wrote and what was measured in all refreshes that are over but the last {@code kept}; plan and report
     * stay.
     *
     * @return what those refreshes are called
     */
    List<String> thin(String bot, int kept) throws IOException {
        List<Path> all = all(bot);
        List<String> old = new ArrayList<>();
        for (Path folder : all.subList(0, Math.max(0, all.size() - kept))) {
            if (!Files.exists(folder.resolve(ANNOUNCED))) {
                continue;
            }
            old.add(String.valueOf(folder.getFileName()));
            try (Stream<Path> files = Files.walk(folder)) {
                Predicate<Path> left = file -> file.equals(folder)
                        || (folder.equals(file.getParent()) && LEFT.contains(String.valueOf(file.getFileName())));
                for (Path file : files.sorted(Comparator.reverseOrder())
                        .filter(left.negate())
                        .toList()) {
                    Files.delete(file);
                }
            }
        }
        return old;
    }

    /** What a command was given that this trainer had begun when it was killed: people wrote it, and no one else knows. */
    void forgetInputs() throws IOException {
        if (Files.isDirectory(data)) {
            try (Stream<Path> folders = Files.walk(data, 2)) {
                for (Path folder : folders.filter(Files::isDirectory).toList()) {
                    ExternalTraining.deleteInput(folder);
                }
            }
        }
    }

    /** The name of a refresh that begins now: no other's. */
    String next(String bot, Instant now) {
        Instant named = now;
        while (Files.exists(of(bot, name(named)))) {
            named = named.plusSeconds(1);
        }
        return name(named);
    }

    /** The first refresh that has begun and was not announced. */
    Optional<String> unfinished(String bot) {
        try {
            return all(bot).stream()
                    .filter(refresh -> !Files.exists(refresh.resolve(ANNOUNCED)))
                    .filter(refresh -> RefreshPlan.exists(refresh) || Snapshot.exists(refresh))
                    .map(refresh -> String.valueOf(refresh.getFileName()))
                    .findFirst();
        } catch (IOException e) {
            LOG.error("the refreshes of {} cannot be listed: {}", bot, e.getMessage());
            return Optional.empty();
        }
    }

    private List<Path> all(String bot) throws IOException {
        Path folder = data.resolve(bot);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.sorted().toList();
        }
    }

    /** Takes who asked to be forgotten out of every snapshot. */
    void forget(Erasures erasures) throws IOException {
        if (erasures.isEmpty() || !Files.isDirectory(data)) {
            return;
        }
        try (Stream<Path> folders = Files.walk(data, 2)) {
            for (Path folder : folders.filter(Snapshot::exists).toList()) {
                try {
                    forget(folder, erasures);
                } catch (IOException e) {
                    LOG.error("{}: people who asked to be forgotten may still be in it, delete it", folder, e);
                }
            }
        }
    }

    private static void forget(Path folder, Erasures erasures) throws IOException {
        Snapshot before = Snapshot.read(folder);
        Snapshot after = before.without(erasures);
        if (!after.equals(before)) {
            after.write(folder);
            // What is under way counts evidence that is not there any more.
            new Stages(folder).deleteSavepoints();
            LOG.info(
                    "{}: {} pairs and {} interactions of people who asked to be forgotten are taken out",
                    folder,
                    before.pairs().size() - after.pairs().size(),
                    before.rated().size() - after.rated().size());
        }
    }
}
