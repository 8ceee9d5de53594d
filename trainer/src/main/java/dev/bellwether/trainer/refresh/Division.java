package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Vote;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The judgements of a snapshot, divided by person: most teach the reward model, the others the judge that examines
 * what it led to. Of the first, the latest comparisons are held out, with everything else that those people said.
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
        List<Comparison> taught =
                comparisons.stream().filter(each -> !judges(each.judge())).toList();
        List<Comparison> byTime = taught.stream()
                .sorted(Comparator.comparingLong(Comparison::time))
                .toList();
        List<Comparison> heldOut = byTime.subList((int) Math.floor(byTime.size() * (1 - HELD_OUT)), byTime.size());
        Set<String> late = heldOut.stream().map(Comparison::judge).collect(Collectors.toSet());
        Predicate<String> trains = person -> !judges(person) && !late.contains(person);
        return new Division(
                taught,
                heldOut,
                comparisons.stream().filter(each -> trains.test(each.judge())).toList(),
                votes.stream().filter(each -> trains.test(each.judge())).toList(),
                comparisons.stream().filter(each -> judges(each.judge())).toList(),
                votes.stream().filter(each -> judges(each.judge())).toList());
    }

    /** Whether a person's judgements train the judge rather than the reward model. */
    private static boolean judges(String person) {
        return Math.floorMod(new Random(person.hashCode()).nextInt(), 1_000) < 1_000 * JUDGE_SHARE;
    }
}
