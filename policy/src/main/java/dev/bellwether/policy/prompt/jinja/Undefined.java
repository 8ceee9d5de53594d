package dev.bellwether.policy.prompt.jinja;

/**
 * What is not there: prints as nothing, is false, has no items; anything else that is done with it fails.
 *
 * @param why it is not there, as Jinja says it
 */
record Undefined(String why) {
    static Undefined name(String name) {
        return new Undefined("'%s' is undefined".formatted(name));
    }

    static Undefined member(Object of, Object name) {
        return new Undefined("%s has no attribute '%s'".formatted(Values.kind(of), Values.text(name)));
    }

    TemplateException used() {
        return new TemplateException(why);
    }
}
