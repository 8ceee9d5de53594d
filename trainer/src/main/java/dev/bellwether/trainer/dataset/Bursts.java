package dev.bellwether.trainer.dataset;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Who came in a burst: in an hour in which many more people judge for the first time than in a usual one before it, as when
 * somebody makes up people to teach the bot with.
 *
 * <p>What is usual is the median of the hours before in which somebody new came, bursts left out. Until there are enough of
 * them nothing is a burst, and so no first day of a bot is.
 */
final class Bursts {
    static final int HOURS_MIN = 24;
    static final int USUAL_TIMES = 10;
    static final int PEOPLE_MIN = 50;

    private final Map<String, Long> firstHours = new HashMap<>();

    /** @param time of a judgement, in milliseconds since 1970 */
    void add(String person, long time) {
        firstHours.merge(person, TimeUnit.MILLISECONDS.toHours(time), Math::min);
    }

    Set<String> people() {
        Map<Long, List<String>> hours = new TreeMap<>();
        firstHours.forEach((person, hour) ->
                hours.computeIfAbsent(hour, _ -> new ArrayList<>()).add(person));
        Set<String> burst = new HashSet<>();
        List<Integer> usual = new ArrayList<>();
        hours.values().forEach(people -> {
            if (usual.size() >= HOURS_MIN && people.size() > Math.max(PEOPLE_MIN, USUAL_TIMES * median(usual))) {
                burst.addAll(people);
            } else {
                usual.add(people.size());
            }
        });
        return burst;
    }

    private static int median(List<Integer> counts) {
        return counts.stream().sorted().skip(counts.size() / 2).findFirst().orElse(0);
    }
}
