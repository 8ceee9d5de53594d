package dev.bellwether.trainer.dataset;

import dev.bellwether.event.Feedback;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** How much of a snapshot one person may be: whoever judges more is heard up to here, so that nobody can poison it. */
final class JudgementCap {
    private static final int PER_PERSON_MIN = 20;
    private static final double PER_PERSON_SHARE = .005;

    private final int perPerson;
    private final Map<String, Integer> byPerson = new HashMap<>();
    private final Map<String, Integer> byPersonAndDay = new HashMap<>();

    /**
     * @param records the snapshot's pairs, or its rated interactions
     */
    JudgementCap(int records) {
        this.perPerson = Math.max(PER_PERSON_MIN, (int) (PER_PERSON_SHARE * records));
    }

    /** Counts what {@code people} judged at {@code time}, in milliseconds, unless that is too much for one of them. */
    boolean admits(Collection<String> people, long time) {
        Set<String> different = new HashSet<>(people);
        boolean admitted = different.stream()
                .allMatch(person -> byPerson.getOrDefault(person, 0) < perPerson
                        && byPersonAndDay.getOrDefault(day(person, time), 0) < Feedback.COUNTED_A_DAY_MAX);
        if (admitted) {
            for (String person : different) {
                byPerson.merge(person, 1, Integer::sum);
                byPersonAndDay.merge(day(person, time), 1, Integer::sum);
            }
        }
        return admitted;
    }

    private static String day(String person, long time) {
        return person + "|" + TimeUnit.MILLISECONDS.toDays(time);
    }
}
