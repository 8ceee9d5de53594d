package dev.bellwether.trainer.collected;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.trainer.TrainCommands;
import dev.bellwether.trainer.dataset.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImportFeedbackCommandTest {
    private static final List<Message> CARD = List.of(new Message("user", "Where is my card?"));

    @TempDir
    private Path directory = Path.of("");

    private TrainCommands.Outcome imported(String text, String... options) throws IOException {
        Path file = Files.writeString(directory.resolve("judged.jsonl"), text);
        return TrainCommands.run(
                List.of(
                        "import-feedback",
                        file.toString(),
                        "--out",
                        directory.resolve("snapshot").toString()),
                options);
    }

    private Snapshot snapshot(String text) throws IOException {
        TrainCommands.Outcome outcome = imported(text);
        assertThat(outcome.status()).as(outcome.errors()).isZero();
        return Snapshot.read(directory.resolve("snapshot"));
    }

    /** One judgement in the ways in which data sets write it. */
    @ParameterizedTest
    @ValueSource(strings = {"""
                {"prompt": "Where is my card?", "chosen": "On its way.", "rejected": "No idea."}
                """, """
                {"prompt": [{"role": "user", "content": "Where is my card?"}], \
                "chosen": [{"role": "assistant", "content": "On its way."}], \
                "rejected": [{"role": "assistant", "content": "No idea."}], "score_chosen": 4.5}
                """, """
                {"chosen": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}], \
                "rejected": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "No idea."}]}
                """, """
                {"prompt": "Where is my card?", \
                "chosen": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}], \
                "rejected": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "No idea."}]}
                """, """
                {"chosen": "\\n\\nHuman: Where is my card?\\n\\nAssistant: On its way.", \
                "rejected": "\\n\\nHuman: Where is my card?\\n\\nAssistant: No idea."}
                """, """
                {"prompt": "\\n\\nHuman: Where is my card?\\n\\nAssistant:", "chosen": " On its way.", "rejected": "No idea."}
                """, """
                {"prompt": "Human: Where is my card?\\n\\nAssistant:", "chosen": " On its way.", "rejected": "No idea."}
                """, """
                [{"id": 1, "data": {"prompt": "Where is my card?", "answer1": "No idea.", "answer2": "On its way."}, "annotations": [\
                {"completed_by": 7, "was_cancelled": false, "result": [{"type": "pairwise", "value": {"selected": "right"}}]}, \
                {"completed_by": 8, "was_cancelled": true, "result": [{"type": "pairwise", "value": {"selected": "left"}}]}, \
                {"completed_by": 9, "was_cancelled": false, "result": []}]}]
                """})
    void readsPreferences(String text) throws IOException {
        PreferencePair pair = snapshot(text).pairs().getFirst();
        assertThat(pair.prompt()).isEqualTo(CARD);
        assertThat(pair.chosen().text()).isEqualTo("On its way.");
        assertThat(pair.rejected().text()).isEqualTo("No idea.");
        assertThat(pair.weight()).isEqualTo(1);
    }

    @Test
    void readsALongerConversation() throws IOException {
        PreferencePair pair = snapshot("""
                        {"chosen": "\\n\\nHuman: Hello\\n\\nAssistant: Good day.\\n\\nHuman: My card?\\n\\nAssistant: One\\n\\ntwo.", \
                        "rejected": "\\n\\nHuman: Hello\\n\\nAssistant: Good day.\\n\\nHuman: My card?\\n\\nAssistant: No."}
                        """).pairs().getFirst();
        assertThat(pair.prompt())
                .containsExactly(
                        new Message("user", "Hello"),
                        new Message("assistant", "Good day."),
                        new Message("user", "My card?"));
        assertThat(pair.chosen().text()).isEqualTo("One\n\ntwo.");
    }

    @Test
    void readsThumbs() throws IOException {
        List<RatedInteraction> rated = snapshot("""
                        {"prompt": "Where is my card?", "completion": "On its way.", "label": true}
                        {"prompt": "Where is my card?", "completion": [{"role": "assistant", "content": "No."}], "label": false}
                        """).rated();
        assertThat(rated)
                .allSatisfy(each -> assertThat(each.interaction().prompt()).isEqualTo(CARD));
        assertThat(rated)
                .flatExtracting(RatedInteraction::judgements)
                .extracting(Feedback::signal)
                .containsExactlyInAnyOrder(new Thumb(true, List.of(), null), new Thumb(false, List.of(), null));
    }

    /** What was exported comes back; everybody's judgement is kept, however few people made them. */
    @Test
    void readsWhatExportWrites() throws IOException {
        StringBuilder lines = new StringBuilder("\uFEFF");
        for (int i = 0; i < 300; i++) {
            lines.append("{\"prompt\": \"Question %d?\", \"chosen\": \"Yes, %d.\", \"rejected\": \"No.\"}\n"
                    .formatted(i, i));
            lines.append("{\"prompt\": \"Question %d?\", \"completion\": \"Yes, %d.\", \"label\": true}\r\n\n"
                    .formatted(i, i));
        }
        Snapshot first = snapshot(lines.toString());
        assertThat(first.pairs()).hasSize(300);
        assertThat(first.rated()).hasSize(300);
        assertThat(first.people()).hasSize(600);
        Path exported = directory.resolve("exported");
        assertThat(TrainCommands.run(
                                List.of(
                                        "export",
                                        "--snapshot",
                                        directory.resolve("snapshot").toString()),
                                "--out",
                                exported.toString())
                        .status())
                .isZero();
        Path again = directory.resolve("again");
        assertThat(TrainCommands.run(
                                List.of(
                                        "import-feedback",
                                        exported.resolve("preference.jsonl").toString()),
                                exported.resolve("unary.jsonl").toString(),
                                "--out",
                                again.toString())
                        .status())
                .isZero();
        Snapshot second = Snapshot.read(again);
        assertThat(second.pairs())
                .extracting(
                        PreferencePair::prompt,
                        pair -> pair.chosen().text(),
                        pair -> pair.rejected().text())
                .containsExactlyInAnyOrderElementsOf(first.pairs().stream()
                        .map(pair -> tuple(
                                pair.prompt(),
                                pair.chosen().text(),
                                pair.rejected().text()))
                        .toList());
        assertThat(second.rated()).hasSize(300);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"b\"}",
                "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": null}",
                "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \" \"}",
                "{\"prompt\": \" \", \"chosen\": \"b\", \"rejected\": \"c\"}",
                "{\"prompt\": 5, \"chosen\": \"b\", \"rejected\": \"c\"}",
                "{\"chosen\": \"The sky is blue.\", \"rejected\": \"The sky is green.\"}",
                "{\"prompt\": \"a\", \"completion\": \"b\", \"label\": \"yes\"}",
                "{\"prompt\": \"a\", \"completion\": \"b\"}",
                "{\"messages\": []}",
                "{\"prompt\": [{\"role\": \"human\", \"content\": \"a\"}], \"chosen\": \"b\", \"rejected\": \"c\"}",
                "{\"prompt\": \"a\", \"chosen\": [{\"role\": \"user\", \"content\": \"b\"}], \"rejected\": \"c\"}",
                "{\"annotations\": [{\"result\": [{\"type\": \"pairwise\", \"value\": {\"selected\": \"left\"}}]}], \"data\": {\"prompt\": \"a\"}}",
                "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"} {}",
                "{\"prompt\": \"a\", \"chosen\"",
                "17"
            })
    void namesFileAndLineOfWhatItCannotRead(String line) throws IOException {
        String good = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n";
        TrainCommands.Outcome outcome = imported(good + "\n" + line + "\n" + good);
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.errors())
                .contains("judged.jsonl, line 3: ", "1 of 3 records cannot be read", "nothing was written");
        assertThat(directory.resolve("snapshot")).doesNotExist();
        assertThat(imported(good + "\n" + line + "\n" + good, "--faults-max", "0.4")
                        .status())
                .isZero();
        assertThat(Snapshot.read(directory.resolve("snapshot")).pairs()).hasSize(2);
    }

    @Test
    void refusesWhatHoldsNothing() throws IOException {
        assertThat(imported("").errors()).contains("nobody has judged anything");
        assertThat(imported("[{\"annotations\": [], \"data\": {}}]").errors()).contains("nobody has judged anything");
        assertThat(imported("[{\"annotations\": []},").errors()).contains("is no JSON array, behind record 1");
        assertThat(imported("[{\"annotations\": []}]\n[{\"annotations\": []}]").errors())
                .contains("goes on behind its JSON array of 1 records");
        Files.write(directory.resolve("latin"), "{\"prompt\": \"\u00e9\"}".getBytes(ISO_8859_1));
        assertThat(TrainCommands.run(
                                List.of(
                                        "import-feedback",
                                        directory.resolve("latin").toString()),
                                "--out",
                                directory.resolve("snapshot").toString())
                        .errors())
                .contains("is not UTF-8");
    }

    @Test
    void overwritesNothing() throws IOException {
        String good = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n";
        snapshot(good);
        assertThat(imported(good).errors()).contains("holds a snapshot already");
    }
}
