package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DivisionTest {
    private static final Sample REPLY = new Sample(new int[] {1, 2}, 1);
    private static final int PEOPLE = 400;

    private final List<Comparison> comparisons = IntStream.range(0, 2 * PEOPLE)
            .mapToObj(i ->
                    new Comparison(REPLY, REPLY, 1, List.of("person-" + i % PEOPLE), i, null, Comparison.Shown.APART))
            .toList();
    private final List<Vote> votes = IntStream.range(0, PEOPLE)
            .mapToObj(i -> new Vote(REPLY, true, "person-" + i, i))
            .toList();
    private final Division division = Division.of(new Judgements(comparisons, votes));

    private static Set<String> people(Collection<Comparison> comparisons) {
        return comparisons.stream().flatMap(each -> each.judges().stream()).collect(Collectors.toSet());
    }

    @Test
    void givesTheJudgeItsOwnPeople() {
        Set<String> judging = people(division.judging().comparisons());
        assertThat(judging)
                .hasSizeBetween(95, 145)
                .doesNotContainAnyElementsOf(people(division.taught().comparisons()));
        assertThat(division.judging().votes()).extracting(Vote::judge).allMatch(judging::contains);
        assertThat(division.training().votes()).extracting(Vote::judge).noneMatch(judging::contains);
    }

    @Test
    void holdsOutTheLatestWithAllThatTheirPeopleSaid() {
        Set<String> late = people(division.heldOut().comparisons());
        int tenth = division.taught().comparisons().size() / 10;
        assertThat(division.heldOut().comparisons()).hasSizeBetween(tenth, tenth + 2);
        long latestOfOthers = division.training().comparisons().stream()
                .mapToLong(Comparison::time)
                .max()
                .orElseThrow();
        assertThat(division.heldOut().comparisons())
                .filteredOn(each -> each.time() > latestOfOthers)
                .as("each person judged twice; the second time came later than all others'")
                .hasSize(late.size());
        assertThat(people(division.training().comparisons())).doesNotContainAnyElementsOf(late);
        assertThat(division.training().votes()).extracting(Vote::judge).noneMatch(late::contains);
    }

    @Test
    void leavesOutWhatPeopleOfBothPartsMadeTogether() {
        String judge = division.judging().comparisons().getFirst().judges().getFirst();
        String other = division.training().comparisons().getFirst().judges().getFirst();
        Division mixed = Division.of(new Judgements(
                List.of(new Comparison(REPLY, REPLY, 1, List.of(judge, other), 1, null, Comparison.Shown.APART)),
                List.of()));
        assertThat(mixed.judging().isEmpty()).isTrue();
        assertThat(mixed.taught().isEmpty()).isTrue();
    }

    @Test
    void holdsOutTheLatestWhereAllGaveThumbs() {
        Division thumbs = Division.of(new Judgements(List.of(), votes));
        int all = thumbs.taught().votes().size();
        assertThat(thumbs.heldOut().votes())
                .hasSizeBetween(all / 10, all / 10 + 1)
                .allMatch(late -> thumbs.training().votes().stream().allMatch(each -> each.time() < late.time()));
        assertThat(thumbs.training().votes())
                .hasSize(all - thumbs.heldOut().votes().size());
        assertThat(thumbs.judging().votes()).hasSize(PEOPLE - all);
    }

    @Test
    void losesNobody() {
        Set<String> all = new HashSet<>(people(division.training().comparisons()));
        all.addAll(people(division.heldOut().comparisons()));
        all.addAll(people(division.judging().comparisons()));
        assertThat(all).hasSize(PEOPLE);
    }
}
