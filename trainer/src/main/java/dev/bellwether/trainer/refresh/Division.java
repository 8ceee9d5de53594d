package dev.bellwether.trainer.refresh;

import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Vote;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The judgements of a snapshot, divided by person: most teach the reward model, the others the judge that examines
 * what it led to. Of the first, those who judged last are held out, with everything that they said.
 *
 * @param taught of the people of the reward model, held-out ones included
 * @param training of these what it learns from; {@code heldOut} the rest
 */
record Division(Judgements taught, Judgements training, Judgements heldOut, Judgements judging) {
    private static final double JUDGE_SHARE = .3;
    private static final double HELD_OUT = .1;

    /** So many comparisons are divided by themselves; of fewer too few would be held out. */
    private static final int COMPARISONS_MANY = 300;

    static Division of(Judgements all) {
        Judgements taught = all.of(person -> !judges(person));
        Set<String> late = latest(taught, HELD_OUT);
        return new Division(
                taught,
                taught.of(person -> !late.contains(person)),
                taught.of(late::contains),
                all.of(Division::judges));
    }

    private record Said(List<String> people, long time) {}

    /** The people who judged last, just so many that theirs are {@code share} of what they compared, or where that is little, said. */
    private static Set<String> latest(Judgements judgements, double share) {
        boolean compared = judgements.comparisons().size() >= COMPARISONS_MANY;
        List<Said> newestFirst = Stream.concat(
                        judgements.comparisons().stream().map(each -> new Said(each.judges(), each.time())),
                        (compared ? List.<Vote>of() : judgements.votes())
                                .stream().map(each -> new Said(List.of(each.judge()), each.time())))
                .sorted(Comparator.comparingLong(Said::time).reversed())
                .toList();
        Map<String, Long> counts = newestFirst.stream()
                .flatMap(each -> each.people().stream())
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        Set<String> people = new HashSet<>();
        long held = 0;
        for (Said each : newestFirst) {
            for (String person : each.people()) {
                if (held < share * newestFirst.size() && people.add(person)) {
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
