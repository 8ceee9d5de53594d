package dev.bellwether.policy.prompt.jinja;

/** What a template says by {@code raise_exception}: that it is not made for these variables, in its own words. */
public final class TemplateRefusal extends TemplateException {
    TemplateRefusal(String words) {
        super(words);
    }
}
