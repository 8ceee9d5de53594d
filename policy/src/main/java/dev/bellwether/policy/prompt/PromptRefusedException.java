package dev.bellwether.policy.prompt;

/** A conversation that the checkpoint's template does not lay out; the message is the template's own. */
public final class PromptRefusedException extends RuntimeException {
    PromptRefusedException(String words, Throwable cause) {
        super(words, cause);
    }
}
