package dev.bellwether.gateway.rollout;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RefreshRequest;
import dev.bellwether.event.RolloutCommand;
import dev.bellwether.event.RolloutCommand.Action;
import dev.bellwether.event.RolloutState;
import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import dev.bellwether.gateway.access.ApiKeys.Role;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.http.JsonFields;
import dev.bellwether.gateway.journal.CommandJournal;
import dev.bellwether.gateway.serving.RewardModels;
import dev.bellwether.policy.checkpoint.StoredVersion;
import dev.bellwether.topic.Topics;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What operators see and do: the state of a bot's rollout, and commands to it. */
public final class OperatorHandler {
    private static final int TEXT_MAX = 1_000;

    /** The others are of trainers and gateways. */
    private static final Set<Action> OPERATORS =
            EnumSet.complementOf(EnumSet.of(Action.REGISTER, Action.LOADING, Action.LOADED, Action.UNLOADABLE));

    /** Those that name a version which the store must have. */
    private static final Set<Action> OF_A_VERSION = Set.of(Action.START, Action.PIN, Action.ANCHOR);

    /** What is decided on what was seen, and so only if that still holds. */
    private static final Set<Action> DECISIONS = Set.of(Action.APPROVE, Action.PROMOTE, Action.PIN);

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final RolloutFollower rollouts;
    private final RewardModels models;
    private final CommandJournal journal;
    private final Clock clock;

    public OperatorHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            RolloutFollower rollouts,
            RewardModels models,
            CommandJournal journal,
            Clock clock) {
        this.bots = bots;
        this.authentication = authentication;
        this.rollouts = rollouts;
        this.models = models;
        this.journal = journal;
        this.clock = clock;
    }

    public void state(RoutingContext context) {
        String bot = bot(context, Role.VIEWER);
        RolloutState announced = rollouts.announced(bot);
        ObjectNode json = Json.object();
        json.set("rollout", EventJson.mapper().valueToTree(announced));
        json.put("effective_revision", rollouts.state(bot).revision());
        rollouts.unavailable(bot).ifPresent(why -> json.put("unavailable", why));
        if (bots.get().find(bot).filter(each -> each.serving().chooses()).isPresent()) {
            ObjectNode chooser = json.putObject("best_of");
            models.name(bot).ifPresent(name -> chooser.put("reward_model", name));
            models.refused(bot).ifPresent(why -> chooser.put("refused", why));
        }
        Optional<PolicyScorecard> scorecard =
                Optional.ofNullable(announced.experiment()).flatMap(experiment -> rollouts.scorecard(bot, experiment));
        scorecard.ifPresent(card -> json.set("scorecard", EventJson.mapper().valueToTree(card)));
        Missing.of(announced, scorecard).forEach(json.withArrayProperty("missing")::add);
        reply(context, 200, announced, json);
    }

    public void history(RoutingContext context) {
        String bot = bot(context, Role.VIEWER);
        ObjectNode json = Json.object();
        json.set("transitions", EventJson.mapper().valueToTree(rollouts.history(bot)));
        reply(context, 200, null, json);
    }

    /** {@code GET /operator/v1/bots/{bot}/versions}: what the store has, and what each is to the rollout. */
    public void versions(RoutingContext context) {
        String bot = bot(context, Role.VIEWER);
        RolloutState state = rollouts.announced(bot);
        context.vertx()
                .executeBlocking(() -> rollouts.stored(bot), false)
                .onSuccess(stored -> {
                    ObjectNode json = Json.object();
                    ArrayNode rows = json.putArray("versions");
                    for (StoredVersion version : stored) {
                        ObjectNode row = rows.addObject();
                        row.setAll((ObjectNode) EventJson.mapper().valueToTree(version));
                        role(state, version.version()).ifPresent(role -> row.put("role", role));
                    }
                    reply(context, 200, null, json);
                })
                .onFailure(context::fail);
    }

    private static Optional<String> role(RolloutState state, String version) {
        if (version.equals(state.champion())) {
            return Optional.of("champion");
        }
        if (version.equals(state.candidate())) {
            return Optional.of("candidate");
        }
        return state.waiting().contains(version) ? Optional.of("waiting") : Optional.empty();
    }

    public void refreshes(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.VIEWER);
        List<RefreshProgress> visible = rollouts.refreshes().stream()
                .filter(refresh -> key.mayUse(refresh.bot()))
                .toList();
        ObjectNode json = Json.object();
        json.set("refreshes", EventJson.mapper().valueToTree(visible));
        reply(context, 200, null, json);
    }

    /** {@code POST /operator/v1/bots/{bot}/refresh}. */
    public void refresh(RoutingContext context) {
        String bot = bot(context, Role.OPERATOR);
        String who = authentication.require(context, Role.OPERATOR).id();
        RefreshRequest request =
                new RefreshRequest(Event.SCHEMA, UUID.randomUUID().toString(), bot, who, clock.millis());
        journal.append(Topics.REFRESH_REQUESTS, bot, request)
                .onSuccess(_ -> reply(context, 202, null, Json.object().put("request_id", request.requestId())))
                .onFailure(failure -> context.fail(undelivered()));
    }

    /** {@code POST /operator/v1/bots/{bot}/rollout/{action}}. */
    public void command(RoutingContext context) {
        Action action = action(context.pathParam("action"));
        Role needed = DECISIONS.contains(action) ? Role.APPROVER : Role.OPERATOR;
        String bot = bot(context, needed);
        ApiKey key = authentication.require(context, needed);
        if (!rollouts.read()) {
            throw ApiException.later(
                    503, "state_unknown", "The rollout's state has not been read yet.", Duration.ofSeconds(2));
        }
        RolloutState state = rollouts.announced(bot);
        Long revision = revision(context, action, state);
        JsonFields body = JsonFields.of(Bodies.json(context), "", JsonFields.Naming.PATH);
        body.only(List.of("version", "why"));
        String version = body.text("version", TEXT_MAX).orElse(null);
        if (OF_A_VERSION.contains(action) && version != null && !rollouts.stores(bot, version)) {
            throw ApiException.field(
                    404,
                    "version_not_found",
                    "version",
                    "The store has no version '%s' of %s; add it with `./bellwether version add %s`."
                            .formatted(version, bot, bot));
        }
        RolloutCommand command = new RolloutCommand(
                Event.SCHEMA,
                UUID.randomUUID().toString(),
                bot,
                action,
                version,
                revision,
                key.id(),
                body.text("why", TEXT_MAX).orElse("asked for"),
                clock.millis());
        Future<Void> written = journal.append(Topics.ROLLOUT_COMMANDS, bot, command);
        written.onSuccess(_ -> reply(
                        context,
                        202,
                        state,
                        Json.object().put("command_id", command.commandId()).put("revision", state.revision())))
                .onFailure(failure -> context.fail(undelivered()));
    }

    /** The revision that a command is for: needed by a decision, and the present one, except to abort. */
    private static @Nullable Long revision(RoutingContext context, Action action, RolloutState state) {
        Long revision = ifMatch(context);
        if (revision == null && DECISIONS.contains(action)) {
            throw ApiException.of(
                    428,
                    "revision_required",
                    "Send the revision that you decided on as If-Match; it is now \"%d\".".formatted(state.revision()));
        }
        if (revision != null && revision != state.revision() && action != Action.ABORT) {
            throw ApiException.of(
                    412,
                    "revision_changed",
                    "The rollout is at revision %d, not %d; look at it again.".formatted(state.revision(), revision));
        }
        return revision;
    }

    private static ApiException undelivered() {
        return ApiException.of(
                503,
                "not_durable",
                "It is not known whether the command was stored: look at the rollout before you give it again.");
    }

    private String bot(RoutingContext context, Role role) {
        ApiKey key = authentication.require(context, role);
        String bot = context.pathParam("bot");
        if (!key.mayUse(bot) || bots.get().find(bot).isEmpty()) {
            throw ApiException.of(404, "bot_not_found", "The bot '%s' does not exist.".formatted(bot));
        }
        return bot;
    }

    private static Action action(String name) {
        try {
            Action action = Action.valueOf(name.toUpperCase(Locale.ROOT));
            if (OPERATORS.contains(action)) {
                return action;
            }
        } catch (IllegalArgumentException e) {
            // Answered below, as for a command that is not an operator's.
        }
        throw ApiException.of(
                404,
                "unknown_command",
                "'%s' is none of start, pause, resume, approve, promote, abort, freeze, unfreeze, pin, unpin, anchor."
                        .formatted(name));
    }

    private static @Nullable Long ifMatch(RoutingContext context) {
        String header = context.request().getHeader("if-match");
        if (header == null || header.equals("*")) {
            return null;
        }
        try {
            return Long.valueOf(header.replace("\"", "").strip());
        } catch (NumberFormatException e) {
            throw ApiException.of(400, "invalid_if_match", "If-Match must be the rollout's revision.");
        }
    }

    private static void reply(RoutingContext context, int status, @Nullable RolloutState state, ObjectNode json) {
        if (state != null) {
            context.response().putHeader("etag", "\"%d\"".formatted(state.revision()));
        }
        context.response()
                .setStatusCode(status)
                .putHeader("content-type", "application/json")
                .end(Json.write(json));
    }
}
