package dev.bellwether.simulation.customer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.Feedback.Edit;
import dev.bellwether.sdk.Feedback.Preference;
import dev.bellwether.sdk.Feedback.Signal;
import dev.bellwether.sdk.Feedback.Thumb;
import dev.bellwether.simulation.customer.Person.Manner;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.taste.Facts;
import dev.bellwether.simulation.taste.Rule;
import dev.bellwether.simulation.taste.Satisfaction;
import dev.bellwether.simulation.taste.Taste;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CustomerTest {
    private static final Question QUESTION = new Question("Where is my card?", "card");
    private static final Rule SHORT = new Rule.Words(1, 3, 10);
    private static final String LONG_REPLY = "Look here. There are so many words in this.";

    private final Ledger ledger = new Ledger();

    /** Almost certain of what they like: ten points of difference over a temperature of a tenth. */
    private static Satisfaction satisfaction(double reactionRate, double flipRate) {
        return new Satisfaction(new Taste(reactionRate, flipRate, 0.1, List.of(SHORT)), new Facts(Map.of()), 5);
    }

    private void converse(FakeBot bot, Satisfaction satisfaction, int conversations) {
        converse(bot, satisfaction, conversations, Manner.HONEST);
    }

    private void converse(FakeBot bot, Satisfaction satisfaction, int conversations, Manner manner) {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < conversations; i++) {
            Person person = new Person("user " + i, manner);
            new Customer(bot, satisfaction, ledger, random, person, QUESTION).converse(() -> true);
        }
    }

    @ParameterizedTest
    @CsvSource({"HOSTILE, 0, 0, 0", "CARELESS, 400, 600, 0", "GENEROUS, 1000, 1000, 0", "ZEALOUS, 1000, 1000, 1"})
    void judgesInAMannerOfItsOwn(Manner manner, int likedLeast, int likedMost, int reactsToAll) {
        FakeBot bot = FakeBot.saying("Here it is.");

        converse(bot, satisfaction(reactsToAll == 1 ? 0 : 1, 0), 1_000, manner);

        assertThat(bot.judgements()).hasSize(1_000).allMatch(Thumb.class::isInstance);
        assertThat(thumbs(bot, Thumb.Direction.UP)).isBetween((long) likedLeast, (long) likedMost);
    }

    @Test
    void liesAboutDuelsToo() {
        FakeBot bot = FakeBot.saying(LONG_REPLY, "Here it is.");

        converse(bot, satisfaction(1, 0), 100, Manner.HOSTILE);

        assertThat(bot.judgements()).containsOnly(new Preference(Preference.Chosen.FIRST));
    }

    private static long thumbs(FakeBot bot, Thumb.Direction direction) {
        return bot.judgements().stream()
                .filter(each -> each instanceof Thumb thumb && thumb.value() == direction)
                .count();
    }

    @Test
    void reactsToTheShareOfRepliesThatTheTasteSays() {
        converse(FakeBot.saying("Here it is."), satisfaction(0.3, 0), 2_000);

        assertThat(ledger.feedback()).isBetween(520L, 680L);
        assertThat(ledger.interactions()).hasSize(2_000);
    }

    @Test
    void likesWhatTheTasteLikes() {
        FakeBot bot = FakeBot.saying("Here it is.");

        converse(bot, satisfaction(1, 0), 100);

        assertThat(thumbs(bot, Thumb.Direction.UP)).isEqualTo(100);
    }

    @Test
    void saysTheOppositeAsOftenAsTheTasteSays() {
        FakeBot bot = FakeBot.saying("Here it is.");

        converse(bot, satisfaction(1, 0.1), 2_000);

        assertThat(thumbs(bot, Thumb.Direction.DOWN)).isBetween(150L, 250L);
    }

    @Test
    void choosesTheBetterOfTwo() {
        FakeBot bot = FakeBot.saying(LONG_REPLY, "Here it is.");

        converse(bot, satisfaction(1, 0), 100);

        assertThat(bot.judgements()).hasSize(100).containsOnly(new Preference(Preference.Chosen.SECOND));
        assertThat(ledger.kinds()).isEqualTo(Map.of("preference", 100L));
    }

    @Test
    void callsEqualRepliesEqual() {
        FakeBot bot = FakeBot.saying("Here.", "Here.");

        converse(bot, satisfaction(1, 0), 1);

        assertThat(bot.judgements()).containsExactly(new Preference(Preference.Chosen.TIE));
    }

    @Test
    void asksAgainInTheSameConversationNowAndThen() {
        FakeBot bot = FakeBot.saying("One two three four five six.");

        converse(bot, satisfaction(1, 0), 1_000);

        long again = bot.judgements().stream()
                .filter(Signal.of(Signal.Name.REGENERATED)::equals)
                .count();
        assertThat(again).isBetween(50L, 130L);
        assertThat(bot.requests().stream().filter(request -> request.contains("\"conversation_id\":\"c\"")))
                .hasSize((int) again - (int) abandoned(bot));
        assertThat(bot.requests()).allMatch(request -> request.contains(QUESTION.text()));
    }

    /** Turns after which a customer wanted another one but had asked three times. */
    private static long abandoned(FakeBot bot) {
        long again = bot.judgements().stream().filter(Signal.class::isInstance).count();
        return again - (bot.requests().size() - 1_000);
    }

    @Test
    void shortensAReplyWhereThatPleasesMore() {
        FakeBot bot = FakeBot.saying(LONG_REPLY);

        converse(bot, satisfaction(1, 0), 1_000);

        List<Feedback> edits =
                bot.judgements().stream().filter(Edit.class::isInstance).toList();
        assertThat(edits).hasSizeBetween(80, 165).containsOnly(Edit.of("Look here."));
    }

    @Test
    void editsHoldNoWordThatTheBotDidNotSay() {
        FakeBot bot = new FakeBot(turn -> List.of(turn % 2 == 0 ? "You are wrong here. Wait for it now." : LONG_REPLY));

        converse(bot, satisfaction(1, 0), 1_000);

        List<String> said = List.of(("You are wrong here. Wait for it now. " + LONG_REPLY).split(" "));
        assertThat(bot.judgements())
                .filteredOn(Edit.class::isInstance)
                .isNotEmpty()
                .allSatisfy(
                        edit -> assertThat(said).contains(((Edit) edit).text().split(" ")));
    }

    @Test
    void asksForDuelsAndNamesTheUser() {
        FakeBot bot = FakeBot.saying("Here it is.");

        converse(bot, satisfaction(0, 0), 1);

        assertThat(bot.requests())
                .containsExactly("{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":"
                        + "\"Where is my card?\"}],\"user\":\"user 0\",\"bellwether\":{\"duel\":\"auto\"}}");
        assertThat(bot.judgements()).isEmpty();
    }
}
