package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Expression.Arguments;
import dev.bellwether.policy.prompt.jinja.Expression.Call;
import dev.bellwether.policy.prompt.jinja.Expression.Filter;
import dev.bellwether.policy.prompt.jinja.Expression.Literal;
import dev.bellwether.policy.prompt.jinja.Statement.Branch;
import dev.bellwether.policy.prompt.jinja.Statement.Target;
import dev.bellwether.policy.prompt.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Statements: the tags of a template and what stands between them. */
final class Parser {
    private static final int DEPTH_MAX = 50;

    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int depth;

    private Parser(Tokens tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Statement> parse(String source) {
        Parser parser = new Parser(new Tokens(Lexer.tokens(source)));
        List<Statement> all = parser.until(Set.of());
        if (!parser.tokens.sees(Kind.END)) {
            throw parser.tokens.error(
                    "'%s' closes nothing".formatted(parser.tokens.peekSecond().text()));
        }
        return all;
    }

    /** Statements up to a tag of one of these names, which is left to be read. */
    private List<Statement> until(Set<String> ends) {
        if (++depth > DEPTH_MAX) {
            throw tokens.error("tags are nested too deeply");
        }
        List<Statement> body = new ArrayList<>();
        while (!tokens.sees(Kind.END)) {
            if (tokens.sees(Kind.TAG_START) && ends.contains(tokens.peekSecond().text())) {
                break;
            }
            Token token = tokens.next();
            switch (token.kind()) {
                case TEXT -> body.add(new Statement.Text(token.text()));
                case OUTPUT_START -> {
                    body.add(new Statement.Output(expressions.tuple()));
                    tokens.expect(Kind.OUTPUT_END, "'}}'");
                }
                case TAG_START -> tag(body);
                case OUTPUT_END, TAG_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END ->
                    throw TemplateException.at(token.line(), "unexpected '%s'".formatted(token.text()));
            }
        }
        depth--;
        return body;
    }

    private void tag(List<Statement> into) {
        Token name = tokens.expect(Kind.NAME, "a tag's name");
        switch (name.text()) {
            case "for" -> into.add(loop());
            case "if" -> into.add(condition());
            case "set" -> into.add(assignment());
            case "macro" -> into.add(macro());
            case "call" -> into.add(call());
            case "filter" -> into.add(filter());
            case "with" -> into.add(with());
            case "generation" -> {
                // Says which tokens are the assistant's, to training code; the text is the same.
                close();
                into.add(new Statement.With(List.of(), List.of(), body("endgeneration")));
            }
            case "break" -> {
                close();
                into.add(new Statement.Break());
            }
            case "continue" -> {
                close();
                into.add(new Statement.Continue());
            }
            default ->
                throw TemplateException.at(name.line(), "the tag '%s' is not supported here".formatted(name.text()));
        }
    }

    private void close() {
        tokens.expect(Kind.TAG_END, "'%}'");
    }

    /** The body up to a closing tag, which is taken. */
    private List<Statement> body(String end) {
        List<Statement> body = until(Set.of(end));
        closing(end);
        return body;
    }

    private void closing(String end) {
        if (tokens.sees(Kind.END)) {
            throw tokens.error("'%s' is missing".formatted(end));
        }
        tokens.next();
        tokens.expectName(end);
        if (end.equals("endmacro") && tokens.sees(Kind.NAME)) {
            tokens.next();
        }
        close();
    }

    /** Whether the tag that comes next is of this name, which is taken. */
    private boolean at(String name) {
        if (tokens.sees(Kind.TAG_START) && tokens.peekSecond().is(Kind.NAME, name)) {
            tokens.next();
            tokens.next();
            return true;
        }
        return false;
    }

    private Statement loop() {
        Target target = targets();
        tokens.expectName("in");
        Expression over = expressions.loopedOver();
        Optional<Expression> where = tokens.takeName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = tokens.takeName("recursive");
        close();
        List<Statement> body = until(Set.of("else", "endfor"));
        List<Statement> otherwise = List.of();
        if (at("else")) {
            close();
            otherwise = until(Set.of("endfor"));
        }
        closing("endfor");
        return new Statement.For(target, over, where, body, otherwise, recursive);
    }

    private Statement condition() {
        List<Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        Set<String> ends = Set.of("elif", "else", "endif");
        do {
            Expression condition = expressions.tuple();
            close();
            branches.add(new Branch(condition, until(ends)));
        } while (at("elif"));
        if (at("else")) {
            close();
            otherwise = until(Set.of("endif"));
        }
        closing("endif");
        return new Statement.If(branches, otherwise);
    }

    private Statement assignment() {
        Target target = targets();
        if (tokens.take("=")) {
            Expression value = expressions.tuple();
            close();
            return new Statement.Assign(target, value);
        }
        List<Filter> filters = new ArrayList<>();
        while (tokens.take("|")) {
            filters.add(expressions.filter(new Literal("")));
        }
        close();
        return new Statement.Capture(target, filters, body("endset"));
    }

    private Target targets() {
        List<Target> targets = new ArrayList<>(List.of(target()));
        boolean several = false;
        while (tokens.take(",")) {
            several = true;
            if (tokens.sees("(") || (tokens.sees(Kind.NAME) && !tokens.seesName("in"))) {
                targets.add(target());
            }
        }
        return several ? new Target.Several(targets) : targets.getFirst();
    }

    private Target target() {
        if (tokens.take("(")) {
            Target inner = targets();
            tokens.expect(")");
            return inner;
        }
        String name = tokens.expect(Kind.NAME, "a name").text();
        return tokens.take(".")
                ? new Target.Member(name, tokens.expect(Kind.NAME, "a name").text())
                : new Target.Variable(name);
    }

    private Statement.Macro macro() {
        String name = tokens.expect(Kind.NAME, "a macro's name").text();
        tokens.expect("(");
        return macro(name, "endmacro");
    }

    /** A macro from its parameters on. */
    private Statement.Macro macro(String name, String end) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        while (!tokens.take(")")) {
            if (!parameters.isEmpty()) {
                tokens.expect(",");
            }
            parameters.add(tokens.expect(Kind.NAME, "a parameter").text());
            if (tokens.take("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw tokens.error("a parameter without a default stands behind one with a default");
            }
        }
        if (end.equals("endmacro")) {
            close();
            return new Statement.Macro(name, parameters, defaults, body(end));
        }
        return new Statement.Macro(name, parameters, defaults, List.of());
    }

    private Statement call() {
        Statement.Macro caller = tokens.take("(")
                ? macro("caller", "endcall")
                : new Statement.Macro("caller", List.of(), List.of(), List.of());
        if (!(expressions.expression() instanceof Call call)) {
            throw tokens.error("'call' needs a call");
        }
        close();
        return new Statement.CallWith(
                call, new Statement.Macro("caller", caller.parameters(), caller.defaults(), body("endcall")));
    }

    private Statement filter() {
        Filter filter = expressions.filter(new Literal(""));
        close();
        Arguments arguments = filter.arguments();
        return new Statement.FilterBody(filter.name(), arguments, body("endfilter"));
    }

    private Statement with() {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.sees(Kind.TAG_END)) {
            if (!targets.isEmpty()) {
                tokens.expect(",");
            }
            targets.add(target());
            tokens.expect("=");
            values.add(expressions.expression());
        }
        close();
        return new Statement.With(targets, values, body("endwith"));
    }
}
