package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Expression.And;
import dev.bellwether.policy.prompt.jinja.Expression.Arguments;
import dev.bellwether.policy.prompt.jinja.Expression.Attribute;
import dev.bellwether.policy.prompt.jinja.Expression.Binary;
import dev.bellwether.policy.prompt.jinja.Expression.Call;
import dev.bellwether.policy.prompt.jinja.Expression.Comparison;
import dev.bellwether.policy.prompt.jinja.Expression.Conditional;
import dev.bellwether.policy.prompt.jinja.Expression.DictOf;
import dev.bellwether.policy.prompt.jinja.Expression.Filter;
import dev.bellwether.policy.prompt.jinja.Expression.Item;
import dev.bellwether.policy.prompt.jinja.Expression.ListOf;
import dev.bellwether.policy.prompt.jinja.Expression.Literal;
import dev.bellwether.policy.prompt.jinja.Expression.Name;
import dev.bellwether.policy.prompt.jinja.Expression.Not;
import dev.bellwether.policy.prompt.jinja.Expression.Or;
import dev.bellwether.policy.prompt.jinja.Expression.Sign;
import dev.bellwether.policy.prompt.jinja.Expression.Slice;
import dev.bellwether.policy.prompt.jinja.Expression.Test;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Computes expressions. */
final class Evaluator {
    private static final Set<String> OF_MARKUP = Set.of("e", "escape", "safe");

    private final Limits limits;

    Evaluator(Limits limits) {
        this.limits = limits;
    }

    Object value(Expression expression, Scope scope) {
        limits.step();
        return switch (expression) {
            case Literal literal -> literal.value();
            case Name name -> scope.get(name.name());
            case ListOf list -> list(list, scope);
            case DictOf dict -> dict(dict, scope);
            case Attribute attribute -> Members.attribute(plain(attribute.of(), scope), attribute.name());
            case Item item -> Members.item(plain(item.of(), scope), plain(item.key(), scope));
            case Slice slice -> slice(slice, scope);
            case Call call -> called(value(call.of(), scope), call.arguments(), scope);
            case Filter filter ->
                limits.made(Filters.apply(filter.name(), filtered(filter, scope), given(filter.arguments(), scope)));
            case Test test -> Tests.holds(test.name(), plain(test.of(), scope), given(test.arguments(), scope));
            case Not not -> !Values.truth(value(not.of(), scope));
            case Sign sign -> signed(sign, scope);
            case Binary binary ->
                limits.made(
                        Operators.apply(binary.operator(), value(binary.left(), scope), value(binary.right(), scope)));
            case Comparison comparison -> compared(comparison, scope);
            case And and -> {
                Object left = value(and.left(), scope);
                yield Values.truth(left) ? value(and.right(), scope) : left;
            }
            case Or or -> {
                Object left = value(or.left(), scope);
                yield Values.truth(left) ? left : value(or.right(), scope);
            }
            case Conditional conditional -> conditional(conditional, scope);
        };
    }

    /** Of markup the text alone, which all but adding and escaping see. */
    private Object plain(Expression expression, Scope scope) {
        return Markup.plain(value(expression, scope));
    }

    private Object filtered(Filter filter, Scope scope) {
        Object value = value(filter.of(), scope);
        return OF_MARKUP.contains(filter.name()) ? value : Markup.plain(value);
    }

    private Object called(Object of, Arguments arguments, Scope scope) {
        if (of instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (!(of instanceof Callable callable)) {
            throw new TemplateException("%s is not callable".formatted(Values.kind(of)));
        }
        return limits.made(callable.call(given(arguments, scope)));
    }

    Given given(Arguments arguments, Scope scope) {
        List<Object> positional = new ArrayList<>();
        arguments.positional().forEach(argument -> positional.add(plain(argument, scope)));
        Map<String, Object> named = new LinkedHashMap<>();
        arguments.named().forEach((name, argument) -> named.put(name, plain(argument, scope)));
        return new Given(positional, named);
    }

    private Object list(ListOf list, Scope scope) {
        List<Object> items = new ArrayList<>();
        list.items().forEach(item -> items.add(value(item, scope)));
        return list.tuple() ? new Tuple(items) : items;
    }

    private Object dict(DictOf dict, Scope scope) {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < dict.keys().size(); i++) {
            map.put(value(dict.keys().get(i), scope), value(dict.values().get(i), scope));
        }
        return map;
    }

    private Object signed(Sign sign, Scope scope) {
        Object value = value(sign.of(), scope);
        return Operators.apply(sign.operator(), 0L, value);
    }

    private Object conditional(Conditional conditional, Scope scope) {
        if (Values.truth(value(conditional.condition(), scope))) {
            return value(conditional.yes(), scope);
        }
        return conditional.no().isPresent()
                ? value(conditional.no().get(), scope)
                : new Undefined("the inline if-expression has no else");
    }

    private boolean compared(Comparison comparison, Scope scope) {
        Object left = plain(comparison.operands().getFirst(), scope);
        for (int i = 0; i < comparison.operators().size(); i++) {
            Object right = plain(comparison.operands().get(i + 1), scope);
            boolean holds = switch (comparison.operators().get(i)) {
                case "==" -> Values.equal(left, right);
                case "!=" -> !Values.equal(left, right);
                case "<" -> Values.compare(left, right) < 0;
                case "<=" -> Values.compare(left, right) <= 0;
                case ">" -> Values.compare(left, right) > 0;
                case ">=" -> Values.compare(left, right) >= 0;
                case "in" -> Values.contains(right, left);
                default -> !Values.contains(right, left);
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object slice(Slice slice, Scope scope) {
        Object of = plain(slice.of(), scope);
        if (of instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (!(of instanceof String) && !(of instanceof List)) {
            throw new TemplateException("%s cannot be sliced".formatted(Values.kind(of)));
        }
        List<Object> items = Values.iterate(of);
        long step = bound(slice.step(), scope).orElse(1L);
        if (step == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        long size = items.size();
        long lowest = step > 0 ? 0 : -1;
        long highest = step > 0 ? size : size - 1;
        long from = bound(slice.from(), scope)
                .map(at -> within(at, size, lowest, highest))
                .orElse(step > 0 ? lowest : highest);
        long to = bound(slice.to(), scope)
                .map(at -> within(at, size, lowest, highest))
                .orElse(step > 0 ? highest : lowest);
        List<Object> kept = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            kept.add(items.get((int) i));
        }
        if (of instanceof String) {
            StringBuilder text = new StringBuilder();
            kept.forEach(text::append);
            return limits.made(text.toString());
        }
        return of instanceof Tuple ? new Tuple(kept) : kept;
    }

    private Optional<Long> bound(Optional<Expression> bound, Scope scope) {
        return bound.map(expression -> value(expression, scope))
                .filter(value -> value != Special.NONE)
                .map(Numbers::toLong);
    }

    private static long within(long index, long size, long lowest, long highest) {
        return Math.clamp(index < 0 ? index + size : index, lowest, highest);
    }
}
