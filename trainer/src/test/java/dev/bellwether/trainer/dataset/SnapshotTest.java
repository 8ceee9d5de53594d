package dev.bellwether.trainer.dataset;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Source;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.topic.EventSerde;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class SnapshotTest {
    private static PreferencePair pair(int promptWords) {
        return pair("pair-" + promptWords, promptWords, 0);
    }

    private static PreferencePair pair(String id, int promptWords, long time) {
        return new PreferencePair(
                Event.SCHEMA,
                id,
                "support",
                List.of(new Message("user", "card ".repeat(promptWords))),
                new Response("Here it is.", "a", "default", 0),
                new Response("No.", "a", "default", 1),
                Origin.DUEL,
                1,
                List.of("mia"),
                Source.END_USER,
                "conversation",
                time);
    }

    @Test
    void leavesOutWhatIsTooLongToTrainOnAndPromptsWithoutRoomForAReply() {
        Snapshot snapshot = Snapshot.of(List.of(pair(5), pair(200), pair(400)), List.of());
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Snapshot.Tokens tokens = snapshot.new Tokens(tokenizer, 1, 256);
            assertThat(tokens.comparisons()).hasSize(2);
            assertThat(tokens.prompts(96)).hasSize(1);
            assertThat(tokens.prompts(20)).hasSize(2);
        }
    }

    @Test
    void hearsOnePersonTwentyTimesADayAndNotMoreThanTheirShareOfAll() {
        List<PreferencePair> oneDay = new ArrayList<>();
        List<PreferencePair> manyDays = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            oneDay.add(pair("pair-%03d".formatted(i), i, i));
            manyDays.add(pair("pair-%03d".formatted(i), i, Duration.ofDays(i).toMillis()));
        }
        assertThat(Snapshot.of(oneDay, List.of()).pairs()).hasSize(20);
        assertThat(Snapshot.of(manyDays, List.of()).pairs()).hasSize(20);
        assertThat(Snapshot.of(oneDay, List.of()).leftOut().overCap()).isEqualTo(80);
    }

    private static PreferencePair by(String person, String id, int promptWords, long time) {
        PreferencePair pair = pair(id, promptWords, time);
        return new PreferencePair(
                pair.schema(),
                id,
                pair.bot(),
                pair.prompt(),
                pair.chosen(),
                pair.rejected(),
                pair.origin(),
                1,
                List.of(person),
                pair.source(),
                "c",
                time);
    }

    @Test
    void hearsTwentyPairsThatSayTheSameOfOnePrompt() {
        List<PreferencePair> pairs = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            pairs.add(by("person-" + i, "same-%02d".formatted(i), 1, 1));
            pairs.add(by("person-" + i, "other-%02d".formatted(i), i + 2, 1));
        }
        Snapshot snapshot = Snapshot.of(pairs, List.of());
        assertThat(snapshot.pairs())
                .filteredOn(pair -> pair.pairId().startsWith("same"))
                .hasSize(20);
        assertThat(snapshot.pairs())
                .filteredOn(pair -> pair.pairId().startsWith("other"))
                .hasSize(50);
        assertThat(snapshot.leftOut()).isEqualTo(new LeftOut(0, 30, 0));
    }

    @Test
    void waitsWithWhoCameInABurstUntilSomebodyHasLooked(@TempDir Path directory) throws IOException {
        List<PreferencePair> pairs = new ArrayList<>();
        long hour = Duration.ofHours(1).toMillis();
        for (int i = 0; i < 30; i++) {
            for (int person = 0; person < 4; person++) {
                pairs.add(by(
                        "person-%d-%d".formatted(i, person), "p-%02d-%d".formatted(i, person), i + person, i * hour));
            }
        }
        for (int i = 0; i < 60; i++) {
            pairs.add(by("made-up-" + i, "burst-%02d".formatted(i), i, 31 * hour));
            pairs.add(by("made-up-" + i, "later-%02d".formatted(i), i, 90 * hour));
        }
        Snapshot snapshot = Snapshot.of(pairs, List.of());
        assertThat(snapshot.pairs()).hasSize(120).allMatch(pair -> pair.pairId().startsWith("p-"));
        assertThat(snapshot.leftOut().quarantined()).isEqualTo(120);
        assertThat(snapshot.leftOut().reasons()).singleElement().asString().contains("refresh.quarantine");
        assertThat(Snapshot.of(pairs, List.of(), false).pairs()).hasSize(240);
        snapshot.write(directory);
        assertThat(Snapshot.read(directory)).isEqualTo(snapshot);
    }

    @Test
    void takesNoFirstDayForABurst() {
        List<PreferencePair> pairs = new ArrayList<>();
        long hour = Duration.ofHours(1).toMillis();
        for (int i = 0; i < 400; i++) {
            pairs.add(by("early-" + i, "early-%03d".formatted(i), i, 0));
        }
        for (int i = 0; i < 20; i++) {
            pairs.add(by("late-" + i, "late-%02d".formatted(i), i, i * hour));
        }
        assertThat(Snapshot.of(pairs, List.of()).pairs()).hasSize(420);
    }

    @Test
    void endsEveryReplyWithTheEndToken() {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Sample chosen = Snapshot.of(List.of(pair(1)), List.of()).new Tokens(tokenizer, 9, 256)
                    .comparisons()
                    .getFirst()
                    .chosen();
            assertThat(chosen.tokens()[chosen.length() - 1]).isEqualTo(9);
            assertThat(chosen.replyLength()).isEqualTo(tokenizer.encode("Here it is.").length + 1);
        }
    }

    /** Its reply "No." was cut off, and a thumb is on that one. */
    private static final String CUT_OFF = """
            {"schema":1,"revision":1,"interaction":{"schema":1,"interaction_id":"a","bot":"support",\
            "conversation_id":"c1","prompt":[{"role":"user","content":"card card "}],\
            "replies":[{"text":"Here it is.","version":"default","side":0,"finish_reason":"stop","prompt_tokens":1,\
            "completion_tokens":1,"temperature":1,"top_p":1},\
            {"text":"No.","version":"default","side":1,"finish_reason":"length","prompt_tokens":1,\
            "completion_tokens":1,"temperature":1,"top_p":1}],"arm":"champion","candidate_share":0,\
            "reason":"DEFAULT","complete":true,"latency_millis":1,"time":1,"attributes":{}},\
            "judgements":[{"schema":1,"feedback_id":"f","interaction_id":"a","choice":1,"user_hash":"mia",\
            "source":"end_user","signal":{"kind":"thumb","up":true,"reasons":[]},"time":2}]}""";

    @Test
    void leavesTheEndOffRepliesThatWereCutOff() {
        RatedInteraction rated =
                new EventSerde<>(RatedInteraction.class).deserializer().deserialize("rated", CUT_OFF.getBytes(UTF_8));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Snapshot.Tokens tokens = Snapshot.of(List.of(pair(2)), List.of(rated)).new Tokens(tokenizer, 9, 256);
            Comparison comparison = tokens.comparisons().getFirst();
            assertThat(comparison.chosen().reply()).isEqualTo(tokenizer.reply("Here it is.", 9));
            assertThat(comparison.rejected().reply()).isEqualTo(tokenizer.encode("No."));
            assertThat(tokens.votes().cast())
                    .singleElement()
                    .satisfies(vote -> assertThat(vote.reply().reply()).isEqualTo(tokenizer.encode("No.")));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"kind":"rating","value":5}              | true  | 1
            {"kind":"rating","value":4}              | true  | 0.5
            {"kind":"rating","value":2}              | false | 0.5
            {"kind":"rating","value":1}              | false | 1
            {"kind":"thumb","up":false,"reasons":[]} | false | 1
            """)
    void takesRatingsForVotes(String signal, boolean up, double weight) {
        assertThat(votes(signal)).singleElement().satisfies(vote -> {
            assertThat(vote.up()).isEqualTo(up);
            assertThat(vote.weight()).isEqualTo(weight);
            assertThat(vote.judge()).isEqualTo("mia");
        });
    }

    @Test
    void hearsThatBothRepliesAreBad() {
        assertThat(votes("{\"kind\":\"preference\",\"outcome\":\"BOTH_BAD\"}"))
                .hasSize(2)
                .allSatisfy(vote -> assertThat(vote.up()).isFalse())
                .extracting(Vote::weight)
                .containsOnly(.5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"kind\":\"rating\",\"value\":3}",
                "{\"kind\":\"preference\",\"outcome\":\"TIE\"}",
                "{\"kind\":\"preference\",\"outcome\":\"FIRST\"}",
                "{\"kind\":\"signal\",\"name\":\"copied\"}"
            })
    void makesNoVoteOfWhatSaysNothingOfAReplyByItself(String signal) {
        assertThat(votes(signal)).isEmpty();
    }

    @Test
    void countsThumbsOnWhatIsTooLong() {
        RatedInteraction rated =
                new EventSerde<>(RatedInteraction.class).deserializer().deserialize("rated", CUT_OFF.getBytes(UTF_8));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Snapshot.Tokens.Votes votes = Snapshot.of(List.of(), List.of(rated)).new Tokens(tokenizer, 9, 3).votes();
            assertThat(votes.cast()).isEmpty();
            assertThat(votes.leftOut()).isEqualTo(1);
        }
    }

    private static List<Vote> votes(String signal) {
        String record = CUT_OFF.replace("{\"kind\":\"thumb\",\"up\":true,\"reasons\":[]}", signal);
        RatedInteraction rated =
                new EventSerde<>(RatedInteraction.class).deserializer().deserialize("rated", record.getBytes(UTF_8));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            return Snapshot.of(List.of(), List.of(rated)).new Tokens(tokenizer, 9, 256)
                    .votes()
                    .cast();
        }
    }

    /** Half an emoji in a prompt, a reply, a preference and the arguments of a tool's call. */
    private static final String HALF = """
            {"schema":1,"revision":1,"interaction":{"schema":1,"interaction_id":"i1","bot":"support",\
            "conversation_id":"c1","prompt":[{"role":"user","content":"Card \\ud83d"},\
            {"role":"assistant","content":"","tool_calls":[{"function":{"name":"find","arguments":"\\ude00"}}]},\
            {"role":"tool","content":"posted"}],\
            "replies":[{"text":"On its way \\ud83d!","version":"gpt","side":0,"finish_reason":"stop","prompt_tokens":1,\
            "completion_tokens":1,"temperature":1,"top_p":1}],"arm":"champion","candidate_share":0,\
            "reason":"DEFAULT","complete":true,"latency_millis":1,"time":1,"attributes":{}},\
            "judgements":[]}""";

    @Test
    void takesInEveryRecordThatTheTopicsHoldThoughHalfACharacterIsInIt(@TempDir Path directory) throws IOException {
        RatedInteraction rated =
                new EventSerde<>(RatedInteraction.class).deserializer().deserialize("rated", HALF.getBytes(UTF_8));
        Message half = new Message("user", "\ud83d");
        PreferencePair made = new PreferencePair(
                Event.SCHEMA,
                "pair",
                "support",
                List.of(half),
                new Response("Here \ude00", "a", "default", 0),
                new Response("No.", "a", "default", 1),
                Origin.DUEL,
                1,
                List.of("mia"),
                Source.END_USER,
                "conversation",
                1);
        Snapshot.of(List.of(made), List.of(rated)).write(directory);
        Snapshot read = Snapshot.read(directory);
        Interaction interaction = read.rated().getFirst().interaction();
        assertThat(interaction.prompt().getFirst().content()).isEqualTo("Card \ufffd");
        assertThat(interaction.prompt().get(1).toolCalls())
                .hasToString("[{\"function\":{\"name\":\"find\",\"arguments\":\"\ufffd\"}}]");
        assertThat(interaction.replies().getFirst().text()).isEqualTo("On its way \ufffd!");
        assertThat(read.pairs().getFirst().chosen().text()).isEqualTo("Here \ufffd");
        assertThat(new CommandLine(new ExportCommand())
                        .execute("--snapshot", directory.toString(), "--out", directory.toString()))
                .isZero();
        assertThat(directory.resolve("preference.jsonl")).content().contains("Here \ufffd");
    }

    @Test
    void readsToolsAsTurnsThatTheTemplateKnows() {
        RatedInteraction rated =
                new EventSerde<>(RatedInteraction.class).deserializer().deserialize("rated", HALF.getBytes(UTF_8));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            int[] prompt = Snapshot.of(List.of(), List.of(rated)).new Tokens(tokenizer, 1, 256)
                    .prompts(20)
                    .getFirst();
            assertThat(prompt)
                    .isEqualTo(tokenizer.prompt(List.of(
                            Turn.user("Card \ufffd"),
                            Turn.assistant("[{\"function\":{\"name\":\"find\",\"arguments\":\"?\"}}]"),
                            Turn.user("posted"))));
        }
    }
}
