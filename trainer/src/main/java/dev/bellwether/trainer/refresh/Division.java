package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Vote;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The judgements of a snapshot, divided by person: most teach the reward model, the others the judge that examines
 * what it led to. Of the first, those who judged last are held out, with everything that they said.
 *
 * @param comparisons of the people of the reward model, held-out ones included
 */
record Division(
        List<Comparison> comparisons,
        List<Comparison> heldOut,
        List<Comparison> training,
        List<Vote> trainingVotes,
        List<Comparison> judging,
        List<Vote> judgingVotes) {
    private static final double JUDGE_SHARE = .3;
    private static final double HELD_OUT = .1;

    static Division of(List<Comparison> comparisons, List<Vote> votes) {
        List<Comparison> taught = all(comparisons, person -> !judges(person));
        Set<String> late = latest(taught, HELD_OUT);
        Predicate<String> trains = person -> !judges(person) && !late.contains(person);
        return new Division(
                taught,
                all(taught, late::contains),
                all(taught, trains),
                votes.stream().filter(each -> trains.test(each.judge())).toList(),
                all(comparisons, Division::judges),
                votes.stream().filter(each -> judges(each.judge())).toList());
    }

    /** Comparisons of these people alone; one that people of two parts made together belongs to neither. */
    private static List<Comparison> all(List<Comparison> comparisons, Predicate<String> people) {
        return comparisons.stream()
                .filter(each -> each.judges().stream().allMatch(people))
                .toList();
    }

    /** The people who judged last, just so many that theirs are {@code share} of the comparisons. */
    private static Set<String> latest(List<Comparison> comparisons, double share) {
        List<Comparison> newestFirst = comparisons.stream()
                .sorted(Comparator.comparingLong(Comparison::time).reversed())
                .toList();
        Map<String, Long> counts = comparisons.stream()
                .flatMap(each -> each.judges().stream())
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        Set<String> people = new HashSet<>();
        long held = 0;
        for (Comparison comparison : newestFirst) {
            for (String person : comparison.judges()) {
                if (held < share * comparisons.size() && people.add(person)) {
                    held += counts.getOrDefault(person, 0L);
                }
            }
        }
        return people;
    }

    /** Whether a person's judgements train the judge rather than the reward model. */
    private static boolean judges(String person) {
        return Math.floorMod(new Random(person.hashCode()).nextInt(), 1_000) < 1_000 * JUDGE_SHARE;
    }
}
