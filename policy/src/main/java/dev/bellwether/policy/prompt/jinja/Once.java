package dev.bellwether.policy.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What filters give that Python computes as it is asked for: gone through once, always true, without length or items. */
final class Once {
    private final List<Object> items;
    private int at;

    Once(List<Object> items) {
        this.items = items;
    }

    /** What has not been taken yet; after this, nothing. */
    List<Object> rest() {
        List<Object> rest = new ArrayList<>(items.subList(at, items.size()));
        at = items.size();
        return rest;
    }

    Optional<Object> next() {
        return at < items.size() ? Optional.of(items.get(at++)) : Optional.empty();
    }
}
