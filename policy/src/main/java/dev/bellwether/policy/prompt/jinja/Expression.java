package dev.bellwether.policy.prompt.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has a value. */
sealed interface Expression {
    record Literal(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    /**
     * A list or a tuple.
     *
     * @param tuple only in how it is printed
     */
    record ListOf(List<Expression> items, boolean tuple) implements Expression {}

    record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

    /** {@code of.name} */
    record Attribute(Expression of, String name) implements Expression {}

    /** {@code of[key]} */
    record Item(Expression of, Expression key) implements Expression {}

    /** {@code of[from:to:step]} */
    record Slice(Expression of, Optional<Expression> from, Optional<Expression> to, Optional<Expression> step)
            implements Expression {}

    record Call(Expression of, Arguments arguments) implements Expression {}

    record Filter(Expression of, String name, Arguments arguments) implements Expression {}

    record Test(Expression of, String name, Arguments arguments) implements Expression {}

    record Not(Expression of) implements Expression {}

    record Sign(String operator, Expression of) implements Expression {}

    record Binary(String operator, Expression left, Expression right) implements Expression {}

    /** {@code first < second <= third}: each operator between neighbours. */
    record Comparison(List<String> operators, List<Expression> operands) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    record Conditional(Expression condition, Expression yes, Optional<Expression> no) implements Expression {}

    /** What a call, filter or test is given. */
    record Arguments(List<Expression> positional, Map<String, Expression> named) {
        static final Arguments NONE = new Arguments(List.of(), Map.of());
    }
}
