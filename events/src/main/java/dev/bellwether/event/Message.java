package dev.bellwether.event;

/** One turn of a conversation; the role is {@code system}, {@code user} or {@code assistant}. */
public record Message(String role, String content) {}
