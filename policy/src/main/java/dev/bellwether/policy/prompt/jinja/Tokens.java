package dev.bellwether.policy.prompt.jinja;

import dev.bellwether.policy.prompt.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, read one after another. */
final class Tokens {
    private final List<Token> tokens;
    private int at;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    boolean sees(Kind kind) {
        return peek().kind() == kind;
    }

    boolean sees(String operator) {
        return peek().is(Kind.OPERATOR, operator);
    }

    boolean seesName(String name) {
        return peek().is(Kind.NAME, name);
    }

    /** Takes the operator if it comes next. */
    boolean take(String operator) {
        return take(Kind.OPERATOR, operator);
    }

    boolean takeName(String name) {
        return take(Kind.NAME, name);
    }

    private boolean take(Kind kind, String text) {
        boolean there = peek().is(kind, text);
        if (there) {
            next();
        }
        return there;
    }

    void expect(String operator) {
        if (!take(operator)) {
            throw unexpected("'%s'".formatted(operator));
        }
    }

    void expectName(String name) {
        if (!takeName(name)) {
            throw unexpected("'%s'".formatted(name));
        }
    }

    Token expect(Kind kind, String what) {
        if (!sees(kind)) {
            throw unexpected(what);
        }
        return next();
    }

    TemplateException unexpected(String wanted) {
        return TemplateException.at(peek().line(), "%s is expected, not '%s'".formatted(wanted, peek().text()));
    }

    TemplateException error(String message) {
        return TemplateException.at(peek().line(), message);
    }
}
