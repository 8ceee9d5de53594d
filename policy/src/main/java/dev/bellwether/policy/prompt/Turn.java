package dev.bellwether.policy.prompt;

/** One message of a conversation; the role is {@code system}, {@code user} or {@code assistant}. */
public record Turn(String role, String content) {
    public static Turn user(String content) {
        return new Turn("user", content);
    }

    public static Turn assistant(String content) {
        return new Turn("assistant", content);
    }
}
