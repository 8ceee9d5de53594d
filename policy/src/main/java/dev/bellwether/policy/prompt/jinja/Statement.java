package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Expression.Arguments;
import java.util.List;
import java.util.Optional;

/** What is done, or printed. */
sealed interface Statement {
    record Text(String text) implements Statement {}

    record Output(Expression of) implements Statement {}

    /**
     * @param recursive whether {@code loop(…)} in the body goes through a list below
     */
    record For(
            Target target,
            Expression over,
            Optional<Expression> where,
            List<Statement> body,
            List<Statement> otherwise,
            boolean recursive)
            implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

    record Branch(Expression condition, List<Statement> body) {}

    record Assign(Target target, Expression value) implements Statement {}

    /** {@code {% set name | filter %}…{% endset %}} */
    record Capture(Target target, List<Expression.Filter> filters, List<Statement> body) implements Statement {}

    /** A macro; its parameters' defaults stand at the end. */
    record Macro(String name, List<String> parameters, List<Expression> defaults, List<Statement> body)
            implements Statement {}

    /** {@code {% call(parameters) of(…) %}…{% endcall %}}, the body a macro named caller. */
    record CallWith(Expression.Call call, Macro caller) implements Statement {}

    /** {@code {% filter name %}…{% endfilter %}} */
    record FilterBody(String name, Arguments arguments, List<Statement> body) implements Statement {}

    record With(List<Target> targets, List<Expression> values, List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    /** What is assigned to. */
    sealed interface Target {
        record Variable(String name) implements Target {}

        record Several(List<Target> targets) implements Target {}

        /** {@code namespace.name} */
        record Member(String namespace, String name) implements Target {}
    }
}
