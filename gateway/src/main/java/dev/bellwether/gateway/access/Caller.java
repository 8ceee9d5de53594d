package dev.bellwether.gateway.access;

import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import org.jspecify.annotations.Nullable;

/** Who asks a bot. */
public sealed interface Caller {
    /** Refuses a bot that this caller may not use. */
    void require(String bot);

    /** What its calls are counted by. */
    String name();

    /** An application with an API key of its own; it says who its users are. */
    record Application(ApiKey key) implements Caller {
        @Override
        public void require(String bot) {
            if (!key.mayUse(bot)) {
                throw Authentication.unknownBot(bot);
            }
        }

        @Override
        public String name() {
            return "key-" + key.id();
        }
    }

    /**
     * A visitor of a page, which anybody may read the key of; good for that page's bot alone.
     *
     * @param visitor who it is, as this service signed it before; none at the first call
     * @param address where the call comes from
     */
    record Visitor(String bot, @Nullable String visitor, String address) implements Caller {
        @Override
        public void require(String asked) {
            if (!bot.equals(asked)) {
                throw Authentication.unknownKey();
            }
        }

        @Override
        public String name() {
            return "page-" + address;
        }
    }

    /** What a bot knows the caller's user by: 32 hexadecimal digits, of people and visitors in two name spaces. */
    static @Nullable String userHash(Caller caller, String bot, @Nullable String user, TokenKeys secrets) {
        return switch (caller) {
            case Application _ -> user == null ? null : userHash(bot, user, secrets);
            case Visitor known -> known.visitor() == null ? null : visitorHash(bot, known.visitor(), secrets);
        };
    }

    /** What a bot knows a visitor by. */
    static String visitorHash(String bot, String visitor, TokenKeys secrets) {
        return secrets.derive("visitor:" + bot + ":" + visitor);
    }

    /** What a bot knows a user of applications by. */
    static String userHash(String bot, String user, TokenKeys secrets) {
        return secrets.derive("user:" + bot + ":" + user);
    }
}
