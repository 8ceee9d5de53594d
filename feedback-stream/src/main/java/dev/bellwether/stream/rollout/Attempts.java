package dev.bellwether.stream.rollout;

import java.util.HashMap;
import java.util.Map;

/** How often versions were tried. */
final class Attempts {
    /** Of so many versions it is remembered. */
    private static final int VERSIONS_MAX = 100;

    private Attempts() {}

    static Map<String, Integer> with(Map<String, Integer> before, String version) {
        Map<String, Integer> after = new HashMap<>(before);
        if (after.size() >= VERSIONS_MAX && !after.containsKey(version)) {
            after.keySet().remove(before.keySet().stream().sorted().findFirst().orElseThrow());
        }
        after.merge(version, 1, Integer::sum);
        return after;
    }
}
