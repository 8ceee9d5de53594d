package dev.bellwether.policy.prompt.jinja;

import java.util.HashMap;
import java.util.Map;

/** {@code namespace(…)}: the one value whose members can be set. */
record Namespace(Map<String, Object> members) {
    Namespace {
        members = new HashMap<>(members);
    }
}
