package dev.bellwether.simulation.taste;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TasteTest {
    private static final Facts FACTS = new Facts(Map.of("activate", List.of("activation code")));
    private static final String HEAD = "reaction_rate: 0.3\nflip_rate: 0.1\ntemperature: 0.5\n";

    private static Taste taste(String rules) throws IOException {
        return Taste.parse("taste.yaml", HEAD + "rules:\n" + rules);
    }

    private static double score(String rule, String reply) throws IOException {
        return taste("  - " + rule + "\n").score("activate", reply, FACTS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{on_topic: 2.0};Type the Activation Code.;2",
                "{on_topic: 2.0};Type the code.;0",
                "{words: [3, 4], score: 1.0};one two;0",
                "{words: [3, 4], score: 1.0};one  two three;1",
                "{words: [3, 4], score: 1.0};one two three four;1",
                "{words: [3, 4], score: 1.0};one two three four five;0",
                "{words: [0, 1], score: 1.0};' ';1",
                "{matches: '(?i)sorry|understand', score: 0.5};I am SORRY.;0.5",
                "{matches: '(?i)sorry', score: -2};Fine.;0",
                "{score: 0.25};anything;0.25",
            })
    void everyRuleGivesItsScoreWhereItApplies(String rule, String reply, double expected) throws IOException {
        assertThat(score(rule, reply)).isEqualTo(expected);
    }

    @Test
    void noReplyIsOnTopicForACategoryWithoutFacts() throws IOException {
        assertThat(taste("  - {on_topic: 2.0}\n").score("other", "activation code", FACTS))
                .isZero();
    }

    /** 2 + 1 − 2 = 1, less the centre .5, by the temperature .5: σ(1). */
    @Test
    void satisfactionIsTheLogisticOfTheScoreAboveTheCentre() throws IOException {
        Taste taste =
                taste("  - {on_topic: 2.0}\n  - {words: [2, 9], score: 1.0}\n  - {matches: your fault, score: -2}\n");
        Satisfaction satisfaction = new Satisfaction(taste, FACTS, 0.5);

        assertThat(satisfaction.of("activate", "It is your fault, type the activation code."))
                .isCloseTo(0.7310586, within(1e-6));
    }

    /** Scores 2 and 0 by the temperature .5: σ(4). */
    @Test
    void preferenceFollowsBradleyAndTerry() throws IOException {
        Satisfaction satisfaction = new Satisfaction(taste("  - {on_topic: 2.0}\n"), FACTS, 7);

        assertThat(satisfaction.prefersFirst("activate", "activation code", "no"))
                .isCloseTo(0.9820138, within(1e-6));
        assertThat(satisfaction.prefersFirst("activate", "no", "no")).isEqualTo(0.5);
    }

    @Test
    void namesAnUnknownRuleAndTheKnownOnes() {
        assertThatThrownBy(() -> taste("  - {on_topic: 1}\n  - {politeness: 2.0}\n"))
                .isInstanceOf(IOException.class)
                .hasMessage("taste.yaml: rule 2: unknown rule {\"politeness\":2.0}; known are {on_topic: S},"
                        + " {words: [LEAST, MOST], score: S}, {matches: PATTERN, score: S}, {score: S}");
    }

    @Test
    void namesAnUnknownKeyAndTheKnownOnes() {
        assertThatThrownBy(() -> Taste.parse("taste.yaml", HEAD + "patience: 2\nrules: []\n"))
                .hasMessage(
                        "taste.yaml: unknown key 'patience'; known are reaction_rate, flip_rate, temperature, rules");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{words: [5], score: 1}",
                "{words: [5, 3], score: 1}",
                "{words: [1, 3]}",
                "{words: [1, 3], score: much}",
                "{matches: '(', score: 1}",
                "{matches: 3, score: 1}",
                "{on_topic: 1, score: 2}",
                "word",
            })
    void refusesARuleThatIsNotWhole(String rule) {
        assertThatThrownBy(() -> taste("  - " + rule + "\n"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("taste.yaml: rule 1: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "rules: [",
                "- a list",
                "flip_rate: 0.1\ntemperature: 0.5\nrules: []",
                "reaction_rate: 3\nflip_rate: 0.1\ntemperature: 0.5\nrules: []",
                "reaction_rate: 0.3\nflip_rate: 0.1\ntemperature: 0\nrules: []",
                "reaction_rate: 0.3\nflip_rate: 0.1\ntemperature: 0.5",
                "reaction_rate: 0.3\nreaction_rate: 0.4\nflip_rate: 0.1\ntemperature: 0.5\nrules: []",
            })
    void refusesATasteThatIsNotWhole(String yaml) {
        assertThatThrownBy(() -> Taste.parse("taste.yaml", yaml))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("taste.yaml: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"courteous", "default", "long-and-stepwise", "nothing", "plain", "very-short"})
    void readsTheShippedTastes(String name) throws IOException {
        assertThat(Taste.read(Path.of("tastes", name + ".yaml")).rules()).isNotEmpty();
    }

    @Test
    void theTasteForNothingScoresNothing() throws IOException {
        Taste nothing = Taste.read(Path.of("tastes/nothing.yaml"));

        assertThat(nothing.rules()).allMatch(rule -> rule.score() == 0);
        assertThat(nothing.asksForFacts()).isFalse();
    }

    @Test
    void readsFactsAndPassesOverTheRest(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(
                folder.resolve("intents.yaml"), "pin:\n  facts: [\"New PIN\", box]\n  ask: \"Which?\"\nempty: {}\n");

        Facts facts = Facts.read(file);

        assertThat(facts.onTopic("pin", "Your new pin is here.")).isTrue();
        assertThat(facts.onTopic("empty", "box")).isFalse();
        assertThat(facts.knows("empty")).isTrue();
        assertThat(facts.knows("other")).isFalse();
    }
}
