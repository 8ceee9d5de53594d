package dev.bellwether.policy.prompt.jinja;

/** A template that cannot be read, or cannot be rendered with these variables. */
public class TemplateException extends RuntimeException {
    TemplateException(String message) {
        super(message);
    }

    static TemplateException at(int line, String message) {
        return new TemplateException("line %d: %s".formatted(line, message));
    }
}
