package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.trainer.dataset.Comparison;
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
    private final Division division = Division.of(comparisons, votes);

    private static Set<String> people(Collection<Comparison> comparisons) {
        return comparisons.stream().flatMap(each -> each.judges().stream()).collect(Collectors.toSet());
    }

    @Test
    void givesTheJudgeItsOwnPeople() {
        Set<String> judging = people(division.judging());
        assertThat(judging).hasSizeBetween(95, 145).doesNotContainAnyElementsOf(people(division.comparisons()));
        assertThat(division.judgingVotes()).extracting(Vote::judge).allMatch(judging::contains);
        assertThat(division.trainingVotes()).extracting(Vote::judge).noneMatch(judging::contains);
    }

    @Test
    void holdsOutTheLatestWithAllThatTheirPeopleSaid() {
        Set<String> late = people(division.heldOut());
        int tenth = division.comparisons().size() / 10;
        assertThat(division.heldOut()).hasSizeBetween(tenth, tenth + 2);
        long latestOfOthers =
                division.training().stream().mapToLong(Comparison::time).max().orElseThrow();
        assertThat(division.heldOut())
                .filteredOn(each -> each.time() > latestOfOthers)
                .as("each person judged twice; the second time came later than all others'")
                .hasSize(late.size());
        assertThat(people(division.training())).doesNotContainAnyElementsOf(late);
        assertThat(division.trainingVotes()).extracting(Vote::judge).noneMatch(late::contains);
    }

    @Test
    void leavesOutWhatPeopleOfBothPartsMadeTogether() {
        String judge = division.judging().getFirst().judges().getFirst();
        String other = division.training().getFirst().judges().getFirst();
        Division mixed = Division.of(
                List.of(new Comparison(REPLY, REPLY, 1, List.of(judge, other), 1, null, Comparison.Shown.APART)),
                List.of());
        assertThat(mixed.judging()).isEmpty();
        assertThat(mixed.comparisons()).isEmpty();
    }

    @Test
    void losesNobody() {
        Set<String> all = new HashSet<>(people(division.training()));
        all.addAll(people(division.heldOut()));
        all.addAll(people(division.judging()));
        assertThat(all).hasSize(PEOPLE);
    }
}
