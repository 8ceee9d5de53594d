package dev.bellwether.gateway.rollout;

import dev.bellwether.event.Event;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.gateway.journal.CommandJournal;
import dev.bellwether.topic.Topics;
import java.time.Clock;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the rollout machine whether this gateway serves a candidate; what most gateways cannot load it aborts. */
final class LoadReports {
    private static final Logger LOG = LoggerFactory.getLogger(LoadReports.class);

    private final CommandJournal journal;
    private final String gateway;
    private final Clock clock;

    /** What was said last of each bot. */
    private final Map<String, Said> said = new ConcurrentHashMap<>();

    private record Said(String experiment, Action action) {}

    /** @param gateway a lasting name of this gateway among the others */
    LoadReports(CommandJournal journal, String gateway, Clock clock) {
        this.journal = journal;
        this.gateway = gateway;
        this.clock = clock;
    }

    void loading(String bot, String experiment, String candidate) {
        say(bot, experiment, candidate, Action.LOADING, "it is being loaded");
    }

    void loaded(String bot, String experiment, String candidate) {
        say(bot, experiment, candidate, Action.LOADED, "it serves");
    }

    void unloadable(String bot, String experiment, String candidate, String why) {
        LOG.error("candidate {} of {} cannot be loaded here: {}", candidate, bot, why);
        say(bot, experiment, candidate, Action.UNLOADABLE, why);
    }

    private void say(String bot, String experiment, String candidate, Action action, String why) {
        Said now = new Said(experiment, action);
        if (now.equals(said.put(bot, now))) {
            return;
        }
        RolloutCommand report = new RolloutCommand(
                Event.SCHEMA, UUID.randomUUID().toString(), bot, action, candidate, null, gateway, why, clock.millis());
        journal.append(Topics.ROLLOUT_COMMANDS, bot, report).onFailure(failure -> {
            LOG.warn("it could not be said that {} of {} is {}: {}", candidate, bot, action, failure.getMessage());
            said.remove(bot, now);
        });
    }
}
