package dev.bellwether.trainer.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.bellwether.event.PreferencePair.Origin;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class JudgementsTest {
    private static Sample reply(int token) {
        return new Sample(new int[] {1, token}, 1);
    }

    private static Vote vote(int token, boolean up) {
        return new Vote(reply(token), up, "person-" + token, token);
    }

    private static List<Comparison> comparisons(int count) {
        return Collections.nCopies(count, Comparison.of(reply(1), reply(2), 1));
    }

    @Test
    void putsEachLikedReplyBesideOneThatWasNotWhereThumbsAreAllThereIs() {
        Judgements thumbs = new Judgements(
                List.of(), List.of(vote(10, true), vote(11, false), vote(12, true), vote(13, false), vote(14, true)));
        assertThat(thumbs.contrasts())
                .extracting(
                        each -> each.chosen().tokens()[1],
                        each -> each.rejected().tokens()[1],
                        Comparison::judges)
                .containsExactly(
                        tuple(10, 11, List.of("person-11", "person-10")),
                        tuple(12, 13, List.of("person-13", "person-12")));
        assertThat(new Judgements(List.of(), List.of(vote(1, true))).contrasts())
                .isEmpty();
    }

    /** One person gave both dislikes; what was liked is of the whole time. */
    @Test
    void spreadsThemOverTimeAndNamesWhoIsRarerFirst() {
        List<Vote> votes = new ArrayList<>(
                IntStream.range(0, 10).mapToObj(i -> vote(i, true)).toList());
        votes.add(new Vote(reply(20), false, "ann", 20));
        votes.add(new Vote(reply(21), false, "ann", 21));
        assertThat(new Judgements(List.of(), votes).contrasts())
                .extracting(
                        each -> each.chosen().tokens()[1], each -> each.judges().getFirst())
                .containsExactly(tuple(0, "ann"), tuple(5, "ann"));
    }

    @Test
    void measuresByComparisonsWhereThereAreEnough() {
        List<Vote> votes =
                IntStream.range(0, 20).mapToObj(i -> vote(i, i % 2 == 0)).toList();
        assertThat(new Judgements(comparisons(30), votes).contrasts()).isEmpty();
        assertThat(new Judgements(comparisons(30), votes).good()).hasSize(30);
        assertThat(new Judgements(comparisons(29), votes).contrasts()).hasSize(10);
        assertThat(new Judgements(comparisons(29), votes).bad()).hasSize(39);
    }

    @Test
    void measuresByDuelsThatNobodyChoseWhereThereAreEnough() {
        List<Comparison> duels = new ArrayList<>(comparisons(30));
        duels.addAll(Collections.nCopies(
                50,
                new Comparison(reply(1), reply(2), 1, List.of("ann"), 0, Origin.DOUBTED_DUEL, Comparison.Shown.FIRST)));
        assertThat(new Judgements(duels, List.of()).fair()).hasSize(30);
        assertThat(new Judgements(duels.subList(1, 80), List.of()).fair()).hasSize(79);
    }

    @Test
    void keepsPeopleApart() {
        List<Comparison> together = new ArrayList<>();
        Stream.of(List.of("ann"), List.of("ann", "ben"), List.of("ben"))
                .map(judges -> new Comparison(reply(1), reply(2), 1, judges, 0, null, Comparison.Shown.APART))
                .forEach(together::add);
        Judgements all = new Judgements(together, List.of(new Vote(reply(3), true, "ann", 0)));
        assertThat(all.of("ann"::equals).comparisons()).hasSize(1);
        assertThat(all.of("ann"::equals).votes()).hasSize(1);
        assertThat(all.of("ben"::equals).votes()).isEmpty();
    }
}
