package dev.bellwether.sdk;

/** Whether the bot may answer with two replies to choose from. */
public enum Duel {
    /** As often as the bot is set to. */
    AUTO("auto"),
    NEVER("never"),
    ALWAYS("always");

    private final String wireName;

    Duel(String wireName) {
        this.wireName = wireName;
    }

    String wireName() {
        return wireName;
    }
}
