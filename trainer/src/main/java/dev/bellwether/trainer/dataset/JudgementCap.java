package dev.bellwether.trainer.dataset;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How much of a snapshot one person may be: whoever judges more is heard up to here, so that nobody can poison it. */
final class JudgementCap {
    private static final int PER_DAY = 20;
    private static final int PER_PERSON_MIN = 20;
    private static final double PER_PERSON_SHARE = .005;

    private final int perPerson;
    private final Map<String, Integer> byPerson = new HashMap<>();
    private final Map<String, Integer> byPersonAndDay = new HashMap<>();

    /**
     * @param judgements all that there are
     */
    JudgementCap(int judgements) {
        this.perPerson = Math.max(PER_PERSON_MIN, (int) (PER_PERSON_SHARE * judgements));
    }

    /** Counts a judgement of {@code person} at {@code time}, in milliseconds; whether it is within the bounds. */
    boolean admits(String person, long time) {
        String day = person + "|" + TimeUnit.MILLISECONDS.toDays(time);
        return byPersonAndDay.merge(day, 1, Integer::sum) <= PER_DAY
                && byPerson.merge(person, 1, Integer::sum) <= perPerson;
    }
}
