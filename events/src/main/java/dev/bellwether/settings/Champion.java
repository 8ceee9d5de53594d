package dev.bellwether.settings;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The one setting that every bot of {@code bots.yaml} needs: the version it starts from. */
public final class Champion {
    private Champion() {}

    /**
     * The champion of {@code bot}.
     *
     * @throws IOException naming the bot, when it has none
     */
    public static String of(String bot, @Nullable String champion) throws IOException {
        if (champion == null || champion.isBlank()) {
            throw new IOException("the bot '%s' needs a `champion`: the version it starts from".formatted(bot));
        }
        return champion;
    }
}
