package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.event.Event;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.GoldenCases;
import dev.bellwether.trainer.dataset.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole refreshes of the default policy over small snapshots. */
class RefreshIT {
    private static final Path DEFAULT_POLICY = Path.of("../default-policy/artefact");
    private static final List<String> QUESTIONS = List.of(
            "Where is my card?",
            "How do I change my PIN?",
            "Why was my transfer declined?",
            "Can I get a second card?",
            "What does a transfer abroad cost?",
            "My phone was stolen, what now?");
    private static final RefreshConfig CONFIG = new RefreshConfig(100, Duration.ofHours(1), 10, 20, .7, 32, 3, 15, 1, "default");

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(directory);

    @BeforeEach
    void copyTheDefaultPolicy() throws IOException {
        store = new PolicyStore(directory.resolve("store"));
        Path target = store.path("support", "default");
        Files.createDirectories(target);
        try (Stream<Path> files = Files.list(DEFAULT_POLICY)) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
    }

    /** People who like the kind answer, or, when {@code torn}, as often the curt one. */
    private static Snapshot snapshot(boolean torn) {
        List<PreferencePair> pairs = new ArrayList<>();
        Random random = new Random(7);
        for (int i = 0; i < 240; i++) {
            Response kind = new Response(
                    "I am sorry for the trouble. Please look into the app, number %d.".formatted(i % 40),
                    "i" + i,
                    "default",
                    0);
            Response curt = new Response("Read the terms, part %d.".formatted(i % 40), "i" + i, "default", 1);
            boolean swapped = torn && random.nextBoolean();
            pairs.add(new PreferencePair(
                    Event.SCHEMA,
                    "pair-%04d".formatted(i),
                    "support",
                    List.of(new Message("user", QUESTIONS.get(i % QUESTIONS.size()))),
                    swapped ? curt : kind,
                    swapped ? kind : curt,
                    Origin.DUEL,
                    1,
                    List.of("person-" + i),
                    Source.END_USER,
                    "c" + i,
                    i));
        }
        return Snapshot.of(pairs, List.of());
    }

    private Refresh refresh(String name, RefreshListener listener) {
        return new Refresh(
                new Refresh.Order("support", name, "default", "default", Refresh.Until.PUBLISH),
                CONFIG,
                store,
                directory.resolve(name),
                listener,
                Clock.systemUTC());
    }

    @Test
    void endsInTheSamePolicyWhetherItWasCutOffInTheMiddleOfPpoOrNot() throws IOException {
        Snapshot snapshot = snapshot(false);
        Report whole = refresh("whole", (stage, fraction, metrics) -> {}).run(snapshot);
        assertThat(whole.version()).isEqualTo("whole");
        assertThatThrownBy(() -> refresh("cut", (stage, fraction, metrics) -> {
                            if (stage.equals("ppo") && fraction > .5) {
                                throw new IllegalStateException("cut off");
                            }
                        })
                        .run(snapshot))
                .hasMessage("cut off");
        assertThat(store.contains("support", "cut")).isFalse();
        List<Double> resumed = new ArrayList<>();
        Report report = refresh("cut", (stage, fraction, metrics) -> {
                    if (stage.equals("ppo")) {
                        resumed.add(fraction);
                    }
                })
                .run(snapshot(true));
        assertThat(resumed).as("the steps that were left").containsExactly(1.0);
        assertThat(report.reasons()).isEqualTo(whole.reasons());
        assertThat(store.open("support", "cut").parameters())
                .isEqualTo(store.open("support", "whole").parameters());
        GoldenCases.verify(store.open("support", "cut"), 1);
        assertThat(refresh("cut", (stage, fraction, metrics) -> {}).run(snapshot))
                .isEqualTo(report);
    }

    @Test
    void refusesWhenPeopleHaveNoPreferenceInCommon() throws IOException {
        Report report = refresh("torn", (stage, fraction, metrics) -> {}).run(snapshot(true));
        assertThat(report.passed()).isFalse();
        assertThat(report.version()).isNull();
        assertThat(report.reasons()).singleElement().asString().contains("the judge finds no preference to learn");
        assertThat(store.contains("support", "torn")).isFalse();
    }

    @Test
    void skipsAndSaysWhatIsMissingWhenThereAreTooFewPairs() throws IOException {
        Report report = refresh("few", (stage, fraction, metrics) -> {})
                .run(Snapshot.of(snapshot(false).pairs().subList(0, 5), List.of()));
        assertThat(report.reasons()).containsExactly("too few pairs: 5, needed are 20");
    }
}
