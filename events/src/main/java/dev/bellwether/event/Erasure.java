package dev.bellwether.event;

/** Asks everyone to forget a user. */
public record Erasure(int schema, String userHash, String who, long time) implements Event {
    public Erasure {
        Valid.named(userHash, "user_hash");
    }
}
