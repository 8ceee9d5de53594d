package dev.bellwether.policy.prompt.jinja;

import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A template, parsed; safe for use by many threads. */
public final class Template {
    private final List<Statement> statements;
    private final Clock clock;

    private Template(List<Statement> statements, Clock clock) {
        this.statements = statements;
        this.clock = clock;
    }

    /**
     * Parses a template.
     *
     * @param clock of {@code strftime_now}
     * @throws TemplateException naming the line, and what is not understood there
     */
    public static Template parse(String source, Clock clock) {
        try {
            return new Template(Parser.parse(source), clock);
        } catch (StackOverflowError e) {
            throw new TemplateException("the template is nested too deeply");
        }
    }

    /**
     * What the template makes of its variables: texts, numbers, truths, null, lists and maps of them.
     *
     * @throws TemplateRefusal what the template says against them
     * @throws TemplateException when it cannot be rendered
     */
    public String render(Map<String, ? extends @Nullable Object> variables) {
        Map<String, Object> values = Functions.all(clock);
        variables.forEach((name, value) -> values.put(name, imported(value)));
        try {
            return new Renderer().render(statements, new Scope(values));
        } catch (StackOverflowError e) {
            throw new TemplateException("the template calls itself too deeply");
        } catch (ArithmeticException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new TemplateException("the template computes what is out of bounds: %s".formatted(e.getMessage()));
        }
    }

    private static Object imported(@Nullable Object value) {
        return switch (value) {
            case null -> Special.NONE;
            case Integer number -> number.longValue();
            case Float number -> number.doubleValue();
            case List<?> list -> {
                List<Object> items = new ArrayList<>();
                list.forEach(item -> items.add(imported(item)));
                yield items;
            }
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((key, item) -> copy.put(key, imported(item)));
                yield copy;
            }
            default -> value;
        };
    }
}
