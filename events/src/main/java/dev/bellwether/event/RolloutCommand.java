package dev.bellwether.event;

import org.jspecify.annotations.Nullable;

/**
 * What an operator asks of a rollout, or the trainer's registration of a new version.
 *
 * @param version the version it is about; none where it is about the running rollout
 * @param revision the state it was made for; a command for another state is refused; none fits any
 * @param who operator's key id, or {@code trainer}
 */
public record RolloutCommand(
        int schema,
        String commandId,
        String bot,
        Action action,
        @Nullable String version,
        @Nullable Long revision,
        String who,
        String why,
        long time)
        implements Event {

    public RolloutCommand {
        Valid.named(commandId, "command_id");
        Valid.named(bot, "bot");
        if (version != null) {
            Valid.named(version, "version");
        }
    }

    /** What can be asked. */
    public enum Action {
        REGISTER,
        START,
        PAUSE,
        RESUME,
        APPROVE,
        PROMOTE,
        ABORT,
        FREEZE,
        UNFREEZE,
        /** Everyone gets the version until {@link #UNPIN}, while nothing is tried. */
        PIN,
        UNPIN,
        /** The hold-out stays on the version from now on. */
        ANCHOR,
        /** A gateway, which is {@code who}, loads the candidate. */
        LOADING,
        /** A gateway serves the candidate. */
        LOADED,
        /** A gateway cannot load the candidate, for which {@code why} is the reason. */
        UNLOADABLE
    }
}
