package dev.bellwether.gateway.http;

import java.util.HashMap;
import java.util.Map;

/** Places for what is under way at once, of which no single owner has all. */
final class Places {
    /** Of four places one owner has three at most. */
    private static final int OF_ONE = 3;

    private static final int OF = 4;

    private final int all;
    private final int ofOneMax;
    private final Map<String, Integer> taken = new HashMap<>();
    private int takenByAll;

    Places(int all) {
        this.all = all;
        this.ofOneMax = Math.max(1, all * OF_ONE / OF);
    }

    /** Takes a place; false where there is none for {@code owner}. */
    synchronized boolean take(String owner) {
        int of = taken.getOrDefault(owner, 0);
        if (takenByAll == all || of == ofOneMax) {
            return false;
        }
        taken.put(owner, of + 1);
        takenByAll++;
        return true;
    }

    /** Gives a place back. */
    synchronized void give(String owner) {
        taken.computeIfPresent(owner, (_, of) -> of == 1 ? null : of - 1);
        takenByAll--;
    }
}
