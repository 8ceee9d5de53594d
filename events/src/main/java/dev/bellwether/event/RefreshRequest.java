package dev.bellwether.event;

/** Asks a trainer for a refresh of a bot. */
public record RefreshRequest(int schema, String requestId, String bot, String who, long time) implements Event {
    public RefreshRequest {
        Valid.named(requestId, "request_id");
        Valid.named(bot, "bot");
    }
}
