package dev.bellwether.trainer.release;

/** A question with an answer that is known to be good: one of a bot's fixed suite, which no version may unlearn. */
public record KnownAnswer(String question, String answer) {
    public KnownAnswer {
        if (question.isBlank() || answer.isBlank()) {
            throw new IllegalArgumentException(
                    "suite: each has a question and an answer, not '%s' and '%s'".formatted(question, answer));
        }
    }
}
