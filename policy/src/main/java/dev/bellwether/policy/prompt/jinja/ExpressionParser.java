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
import dev.bellwether.policy.prompt.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Expressions, by the precedence that Jinja gives their operators. */
final class ExpressionParser {
    private static final int DEPTH_MAX = 100;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", ">", "<=", ">=");
    private static final Set<String> NO_ARGUMENT_OF_A_TEST = Set.of("else", "or", "and", "is");
    private static final Map<String, Object> CONSTANTS = Map.of(
            "true", true, "True", true, "false", false, "False", false, "none", Special.NONE, "None", Special.NONE);

    private final Tokens tokens;
    private int depth;

    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    /** An expression, or several with commas between, which are a tuple. */
    Expression tuple() {
        Expression first = expression();
        if (!tokens.sees(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.take(",")) {
            if (ends()) {
                break;
            }
            items.add(expression());
        }
        return new ListOf(items, true);
    }

    private boolean ends() {
        return tokens.sees(Kind.TAG_END) || tokens.sees(Kind.OUTPUT_END) || tokens.sees(")") || tokens.sees("=");
    }

    Expression expression() {
        if (++depth > DEPTH_MAX) {
            throw tokens.error("the expression is nested too deeply");
        }
        Expression value = withoutCondition();
        while (tokens.takeName("if")) {
            Expression condition = withoutCondition();
            Optional<Expression> no = tokens.takeName("else") ? Optional.of(expression()) : Optional.empty();
            value = new Conditional(condition, value, no);
        }
        depth--;
        return value;
    }

    /** What a loop goes over, perhaps several with commas between; an {@code if} behind it is the loop's. */
    Expression loopedOver() {
        List<Expression> items = new ArrayList<>(List.of(withoutCondition()));
        boolean several = false;
        while (tokens.take(",")) {
            several = true;
            if (!tokens.sees(Kind.TAG_END) && !tokens.seesName("if") && !tokens.seesName("recursive")) {
                items.add(withoutCondition());
            }
        }
        return several ? new ListOf(items, true) : items.getFirst();
    }

    private Expression withoutCondition() {
        Expression left = and();
        while (tokens.takeName("or")) {
            left = new Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.takeName("and")) {
            left = new And(left, not());
        }
        return left;
    }

    private Expression not() {
        return tokens.takeName("not") ? new Not(not()) : comparison();
    }

    private Expression comparison() {
        List<Expression> operands = new ArrayList<>(List.of(sum()));
        List<String> operators = new ArrayList<>();
        while (true) {
            if (tokens.sees(Kind.OPERATOR) && COMPARISONS.contains(tokens.peek().text())) {
                operators.add(tokens.next().text());
            } else if (tokens.takeName("in")) {
                operators.add("in");
            } else if (tokens.seesName("not") && tokens.peekSecond().is(Kind.NAME, "in")) {
                tokens.next();
                tokens.next();
                operators.add("not in");
            } else {
                return operators.isEmpty() ? operands.getFirst() : new Comparison(operators, operands);
            }
            operands.add(sum());
        }
    }

    private Expression sum() {
        Expression left = joined();
        while (tokens.sees("+") || tokens.sees("-")) {
            left = new Binary(tokens.next().text(), left, joined());
        }
        return left;
    }

    private Expression joined() {
        Expression left = product();
        while (tokens.take("~")) {
            left = new Binary("~", left, product());
        }
        return left;
    }

    private Expression product() {
        Expression left = power();
        while (tokens.sees("*") || tokens.sees("/") || tokens.sees("//") || tokens.sees("%")) {
            left = new Binary(tokens.next().text(), left, power());
        }
        return left;
    }

    /** From left to right, and a sign binds tighter: not as in Python. */
    private Expression power() {
        Expression left = unary(true);
        while (tokens.take("**")) {
            left = new Binary("**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean filters) {
        Expression value;
        if (tokens.sees("-") || tokens.sees("+")) {
            value = new Sign(tokens.next().text(), unary(false));
        } else {
            value = followed(primary());
        }
        return filters ? filtered(value) : value;
    }

    private Expression primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case NAME ->
                CONSTANTS.containsKey(token.text()) ? new Literal(CONSTANTS.get(token.text())) : new Name(token.text());
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.sees(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                yield new Literal(text.toString());
            }
            case INTEGER -> new Literal(Numbers.integer(token));
            case FLOAT -> new Literal(Double.valueOf(token.text().replace("_", "")));
            case OPERATOR -> enclosed(token);
            case TEXT, OUTPUT_START, OUTPUT_END, TAG_START, TAG_END, END ->
                throw TemplateException.at(token.line(), "a value is expected, not '%s'".formatted(token.text()));
        };
    }

    private Expression enclosed(Token token) {
        return switch (token.text()) {
            case "(" -> bracketed();
            case "[" -> list();
            case "{" -> dict();
            default -> throw TemplateException.at(token.line(), "unexpected '%s'".formatted(token.text()));
        };
    }

    private Expression bracketed() {
        if (tokens.take(")")) {
            return new ListOf(List.of(), true);
        }
        Expression inner = tuple();
        tokens.expect(")");
        return inner;
    }

    private Expression list() {
        List<Expression> items = new ArrayList<>();
        while (!tokens.take("]")) {
            separator(items.isEmpty(), "]");
            if (!tokens.sees("]")) {
                items.add(expression());
            }
        }
        return new ListOf(items, false);
    }

    private Expression dict() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.take("}")) {
            separator(keys.isEmpty(), "}");
            if (!tokens.sees("}")) {
                keys.add(expression());
                tokens.expect(":");
                values.add(expression());
            }
        }
        return new DictOf(keys, values);
    }

    private void separator(boolean first, String end) {
        if (!first && !tokens.sees(end)) {
            tokens.expect(",");
        }
    }

    /** Attributes, items and calls behind a value. */
    private Expression followed(Expression of) {
        Expression value = of;
        while (true) {
            if (tokens.take(".")) {
                value = tokens.sees(Kind.INTEGER)
                        ? new Item(value, new Literal(Numbers.integer(tokens.next())))
                        : new Attribute(
                                value, tokens.expect(Kind.NAME, "a name").text());
            } else if (tokens.take("[")) {
                value = subscript(value);
                tokens.expect("]");
            } else if (tokens.take("(")) {
                value = new Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression of) {
        Optional<Expression> from = bound();
        if (!tokens.take(":")) {
            return new Item(of, from.orElseThrow(() -> tokens.unexpected("an index")));
        }
        Optional<Expression> to = bound();
        Optional<Expression> step = tokens.take(":") ? bound() : Optional.empty();
        return new Slice(of, from, to, step);
    }

    private Optional<Expression> bound() {
        return tokens.sees(":") || tokens.sees("]") ? Optional.empty() : Optional.of(expression());
    }

    /** Filters and tests behind a value. */
    private Expression filtered(Expression of) {
        Expression value = of;
        while (true) {
            if (tokens.take("|")) {
                value = filter(value);
            } else if (tokens.takeName("is")) {
                value = test(value);
            } else if (tokens.take("(")) {
                value = new Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    Filter filter(Expression of) {
        Token name = tokens.expect(Kind.NAME, "a filter's name");
        if (!Filters.known(name.text())) {
            throw TemplateException.at(name.line(), "the filter '%s' is not supported".formatted(name.text()));
        }
        return new Filter(of, name.text(), tokens.take("(") ? arguments() : Arguments.NONE);
    }

    private Expression test(Expression of) {
        boolean negated = tokens.takeName("not");
        Token name = tokens.expect(Kind.NAME, "a test's name");
        if (!Tests.known(name.text())) {
            throw TemplateException.at(name.line(), "the test '%s' is not supported".formatted(name.text()));
        }
        Arguments arguments = Arguments.NONE;
        if (tokens.take("(")) {
            arguments = arguments();
        } else if (bareArgumentFollows()) {
            arguments = new Arguments(List.of(followed(primary())), Map.of());
        }
        Expression test = new Test(of, name.text(), arguments);
        return negated ? new Not(test) : test;
    }

    /** {@code x is divisibleby 3}. */
    private boolean bareArgumentFollows() {
        Token next = tokens.peek();
        return switch (next.kind()) {
            case NAME ->
                !NO_ARGUMENT_OF_A_TEST.contains(next.text())
                        && !next.text().equals("if")
                        && !next.text().equals("in")
                        && !next.text().equals("not");
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> "[{".contains(next.text());
            case TEXT, OUTPUT_START, OUTPUT_END, TAG_START, TAG_END, END -> false;
        };
    }

    /** Up to the closing bracket. */
    Arguments arguments() {
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!tokens.take(")")) {
            separator(positional.isEmpty() && named.isEmpty(), ")");
            if (tokens.sees(Kind.NAME) && tokens.peekSecond().is(Kind.OPERATOR, "=")) {
                String name = tokens.next().text();
                tokens.expect("=");
                named.put(name, expression());
            } else if (tokens.sees("*") || tokens.sees("**")) {
                throw tokens.error("'*' before an argument is not supported");
            } else if (!tokens.sees(")")) {
                positional.add(expression());
            }
        }
        return new Arguments(positional, named);
    }
}
