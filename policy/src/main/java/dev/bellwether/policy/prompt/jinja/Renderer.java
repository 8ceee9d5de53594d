package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Expression.Arguments;
import dev.bellwether.policy.prompt.jinja.Statement.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Carries statements out. */
final class Renderer {
    private final Limits limits = new Limits();
    private final Evaluator evaluator = new Evaluator(limits);

    /** How a body ended. */
    private enum Signal {
        NEXT,
        BREAK,
        CONTINUE
    }

    String render(List<Statement> statements, Scope scope) {
        StringBuilder out = new StringBuilder();
        run(statements, scope, out);
        return out.toString();
    }

    private Signal run(List<Statement> statements, Scope scope, StringBuilder out) {
        for (Statement statement : statements) {
            Signal signal = run(statement, scope, out);
            if (signal != Signal.NEXT) {
                return signal;
            }
        }
        return Signal.NEXT;
    }

    private Signal run(Statement statement, Scope scope, StringBuilder out) {
        limits.step();
        switch (statement) {
            case Statement.Text text -> write(text.text(), out);
            case Statement.Output output -> write(Values.text(evaluator.value(output.of(), scope)), out);
            case Statement.Assign assign -> assign(assign.target(), evaluator.value(assign.value(), scope), scope);
            case Statement.Capture capture -> {
                Object text = render(capture.body(), scope.inner());
                for (Expression.Filter filter : capture.filters()) {
                    text = Filters.apply(filter.name(), text, evaluator.given(filter.arguments(), scope));
                }
                assign(capture.target(), text, scope);
            }
            case Statement.Macro macro -> scope.set(macro.name(), callable(macro, scope));
            case Statement.CallWith call -> write(callWith(call, scope), out);
            case Statement.FilterBody filter -> {
                String body = render(filter.body(), scope.inner());
                Arguments arguments = filter.arguments();
                write(Values.text(Filters.apply(filter.name(), body, evaluator.given(arguments, scope))), out);
            }
            case Statement.If condition -> {
                return run(chosen(condition, scope), scope, out);
            }
            case Statement.With with -> {
                return with(with, scope, out);
            }
            case Statement.For loop -> {
                return loop(loop, Values.iterate(evaluator.value(loop.over(), scope)), scope, out, 1);
            }
            case Statement.Break _ -> {
                return Signal.BREAK;
            }
            case Statement.Continue _ -> {
                return Signal.CONTINUE;
            }
        }
        return Signal.NEXT;
    }

    private void write(String text, StringBuilder out) {
        out.append(text);
        limits.output(out);
    }

    private List<Statement> chosen(Statement.If condition, Scope scope) {
        for (Statement.Branch branch : condition.branches()) {
            if (Values.truth(evaluator.value(branch.condition(), scope))) {
                return branch.body();
            }
        }
        return condition.otherwise();
    }

    private Signal with(Statement.With with, Scope scope, StringBuilder out) {
        Scope inner = scope.inner();
        for (int i = 0; i < with.targets().size(); i++) {
            assign(with.targets().get(i), evaluator.value(with.values().get(i), scope), inner);
        }
        return run(with.body(), inner, out);
    }

    private Signal loop(Statement.For loop, List<Object> over, Scope scope, StringBuilder out, int depth) {
        limits.enter();
        List<Object> items = loop.where().isEmpty()
                ? over
                : filtered(loop, over, loop.where().get(), scope);
        Optional<Callable> below =
                loop.recursive() ? Optional.of(given -> below(loop, given, scope, depth)) : Optional.empty();
        // As Jinja has it: a body that was left early, each time, counts as none.
        boolean ended = false;
        LoopState state = new LoopState(items, depth, below);
        for (int i = 0; i < items.size(); i++) {
            limits.step();
            state.moveTo(i);
            Scope turn = scope.inner();
            turn.set("loop", state);
            assign(loop.target(), items.get(i), turn);
            Signal signal = run(loop.body(), turn, out);
            if (signal == Signal.BREAK) {
                break;
            }
            ended |= signal == Signal.NEXT;
        }
        limits.leave();
        return ended ? Signal.NEXT : run(loop.otherwise(), scope.inner(), out);
    }

    private Object below(Statement.For loop, Given given, Scope scope, int depth) {
        StringBuilder text = new StringBuilder();
        loop(loop, Values.iterate(given.required(0, "iterable")), scope, text, depth + 1);
        return text.toString();
    }

    private List<Object> filtered(Statement.For loop, List<Object> over, Expression where, Scope scope) {
        List<Object> kept = new ArrayList<>();
        for (Object item : over) {
            Scope turn = scope.inner();
            assign(loop.target(), item, turn);
            if (Values.truth(evaluator.value(where, turn))) {
                kept.add(item);
            }
        }
        return kept;
    }

    private void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable variable -> scope.set(variable.name(), value);
            case Target.Member member -> {
                if (!(scope.get(member.namespace()) instanceof Namespace namespace)) {
                    throw new TemplateException(
                            "cannot assign attribute on non-namespace object '%s'".formatted(member.namespace()));
                }
                namespace.members().put(member.name(), value);
            }
            case Target.Several several -> {
                List<Object> values = Values.iterate(value);
                if (values.size() != several.targets().size()) {
                    throw new TemplateException("%d values cannot be assigned to %d names"
                            .formatted(values.size(), several.targets().size()));
                }
                for (int i = 0; i < values.size(); i++) {
                    assign(several.targets().get(i), values.get(i), scope);
                }
            }
        }
    }

    private String callWith(Statement.CallWith call, Scope scope) {
        Given given = evaluator.given(call.call().arguments(), scope);
        Object of = evaluator.value(call.call().of(), scope);
        if (!(of instanceof Callable callable)) {
            throw new TemplateException("%s is not callable".formatted(Values.kind(of)));
        }
        given.named().put("caller", callable(call.caller(), scope));
        return Values.text(callable.call(given));
    }

    private Callable callable(Statement.Macro macro, Scope scope) {
        return given -> {
            limits.enter();
            Scope inner = scope.inner();
            bind(macro, given, inner);
            StringBuilder out = new StringBuilder();
            run(macro.body(), inner, out);
            limits.leave();
            return out.toString();
        };
    }

    private void bind(Statement.Macro macro, Given given, Scope inner) {
        List<String> parameters = macro.parameters();
        int required = parameters.size() - macro.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String name = parameters.get(i);
            Optional<Object> value = given.at(i, name);
            if (value.isPresent()) {
                inner.set(name, value.get());
            } else {
                inner.set(
                        name,
                        i < required
                                ? new Undefined("parameter '%s' was not provided".formatted(name))
                                : evaluator.value(macro.defaults().get(i - required), inner));
            }
        }
        given.named().forEach((name, value) -> {
            if (name.equals("caller")) {
                inner.set(name, value);
            } else if (!parameters.contains(name)) {
                throw new TemplateException("macro '%s' takes no keyword argument '%s'".formatted(macro.name(), name));
            }
        });
        if (given.positional().size() > parameters.size()) {
            throw new TemplateException(
                    "macro '%s' takes not more than %d arguments".formatted(macro.name(), parameters.size()));
        }
    }
}
