package dev.bellwether.gateway.erasure;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import dev.bellwether.gateway.access.ApiKeys.Role;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.Caller;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.policy.checkpoint.LearnedFrom;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.topic.Topics;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code DELETE /v1/users/{user}}: asks everyone to forget a user of the key's bots, and says what that means. */
public final class ErasureHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ErasureHandler.class);
    /** How long an erasure waits to be durable. */
    private static final Duration LIMIT = Duration.ofSeconds(8);

    private static final String WEIGHTS =
            "Nothing is learned from this user any more. Weights that were trained already"
                    + " are not changed: `versions` names those that learned from the user's data, and those trained from them.";

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final Supplier<TokenKeys> secrets;
    private final EventJournal journal;
    private final PolicyStore store;
    private final Clock clock;

    public ErasureHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            Supplier<TokenKeys> secrets,
            EventJournal journal,
            PolicyStore store,
            Clock clock) {
        this.bots = bots;
        this.authentication = authentication;
        this.secrets = secrets;
        this.journal = journal;
        this.store = store;
        this.clock = clock;
    }

    public void erase(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.CHAT);
        String user = context.pathParam("user");
        Map<String, String> hashes = new LinkedHashMap<>();
        bots.get().bots().keySet().stream()
                .filter(key::mayUse)
                .sorted()
                .forEach(bot -> hashes.put(bot, Caller.userHash(bot, user, secrets.get())));
        Instant now = clock.instant();
        Future.all(hashes.values().stream()
                        .map(hash -> journal.append(
                                Topics.ERASURES,
                                hash,
                                new Erasure(Event.SCHEMA, hash, "key " + key.id(), now.toEpochMilli())))
                        .toList())
                .timeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .recover(failure -> {
                    LOG.warn("an erasure could not be recorded: {}", failure.getMessage());
                    return Future.failedFuture(ApiException.later(
                            503,
                            "not_durable",
                            "It is not known whether the erasure was stored; send it again, it is done once.",
                            Duration.ofSeconds(2)));
                })
                .compose(_ -> context.vertx().executeBlocking(() -> answer(user, hashes, now), false))
                .onSuccess(json -> context.response()
                        .setStatusCode(202)
                        .putHeader("content-type", "application/json")
                        .end(Json.write(json)))
                .onFailure(context::fail);
    }

    private ObjectNode answer(String user, Map<String, String> hashes, Instant now) throws IOException {
        ObjectNode json = Json.object().put("user", user);
        hashes.keySet().forEach(json.putArray("bots")::add);
        json.put("erased_by", now.plus(Topics.ERASED_WITHIN).toString()).put("weights", WEIGHTS);
        ArrayNode versions = json.putArray("versions");
        for (Map.Entry<String, String> each : hashes.entrySet()) {
            List<String> learned = LearnedFrom.versions(store, each.getKey(), each.getValue());
            learned.forEach(
                    version -> versions.addObject().put("bot", each.getKey()).put("version", version));
        }
        return json;
    }
}
