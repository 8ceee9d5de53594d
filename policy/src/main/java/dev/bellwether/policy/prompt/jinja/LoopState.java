package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.Optional;

/** {@code loop} in the body of a {@code for}. */
final class LoopState implements Callable {
    private final List<Object> items;
    private final int depth;
    private final Optional<Callable> below;
    private int at;
    private Object changed = new Undefined("nothing yet");

    /**
     * @param below what {@code loop(…)} does in a recursive loop
     */
    LoopState(List<Object> items, int depth, Optional<Callable> below) {
        this.items = items;
        this.depth = depth;
        this.below = below;
    }

    void moveTo(int index) {
        at = index;
    }

    Object member(String name) {
        return switch (name) {
            case "index" -> (long) at + 1;
            case "index0" -> (long) at;
            case "revindex" -> (long) items.size() - at;
            case "revindex0" -> (long) items.size() - at - 1;
            case "first" -> at == 0;
            case "last" -> at == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> (long) depth;
            case "depth0" -> (long) depth - 1;
            case "previtem" -> at == 0 ? new Undefined("there is no previous item") : items.get(at - 1);
            case "nextitem" -> at == items.size() - 1 ? new Undefined("there is no next item") : items.get(at + 1);
            case "cycle" ->
                (Callable)
                        given -> given.positional().get(at % given.positional().size());
            case "changed" -> (Callable) this::changed;
            default -> new Undefined("'loop' has no attribute '%s'".formatted(name));
        };
    }

    private Object changed(Given given) {
        boolean other = !Values.equal(changed, given.positional());
        changed = given.positional();
        return other;
    }

    @Override
    public Object call(Given given) {
        return below.orElseThrow(() -> new TemplateException("the loop is not marked 'recursive'"))
                .call(given);
    }
}
