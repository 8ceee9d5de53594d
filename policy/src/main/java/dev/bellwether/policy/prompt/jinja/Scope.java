package dev.bellwether.policy.prompt.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names and their values: those of a loop's turn, a macro or a {@code with}, in front of those around it. */
final class Scope {
    private final @Nullable Scope around;
    private final Map<String, Object> values;

    Scope(Map<String, Object> values) {
        this.around = null;
        this.values = new HashMap<>(values);
    }

    private Scope(Scope around) {
        this.around = around;
        this.values = new HashMap<>();
    }

    Scope inner() {
        return new Scope(this);
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.around) {
            Object value = scope.values.get(name);
            if (value != null) {
                return value;
            }
        }
        return Undefined.name(name);
    }

    void set(String name, Object value) {
        values.put(name, value);
    }
}
