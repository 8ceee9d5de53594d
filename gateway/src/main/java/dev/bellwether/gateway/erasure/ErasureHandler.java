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
import dev.bellwether.gateway.access.Visitors;
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
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code DELETE /v1/users/{user}} and, for visitors themselves, {@code DELETE /v1/visitors}: asks everyone to forget a user,
 * and says what that means.
 */
public final class ErasureHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ErasureHandler.class);
    /** How long an erasure waits to be durable. */
    private static final Duration LIMIT = Duration.ofSeconds(8);

    private static final String WEIGHTS =
            "Nothing is learned from this user any more. Weights that were trained already"
                    + " are not changed: `versions` names those that learned from the user's data, and those trained from them.";

    private static final String WEIGHTS_OF_VISITORS =
            "Nothing is learned from this visitor any more. Weights that were trained already are not changed.";

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final Visitors visitors;
    private final Supplier<TokenKeys> secrets;
    private final EventJournal journal;
    private final PolicyStore store;
    private final Clock clock;

    public ErasureHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            Visitors visitors,
            Supplier<TokenKeys> secrets,
            EventJournal journal,
            PolicyStore store,
            Clock clock) {
        this.bots = bots;
        this.authentication = authentication;
        this.visitors = visitors;
        this.secrets = secrets;
        this.journal = journal;
        this.store = store;
        this.clock = clock;
    }

    public void erase(RoutingContext context) {
        ApiKey key = authentication.require(context, Role.CHAT);
        String user = context.pathParam("user");
        Instant now = clock.instant();
        hashes(context, key::mayUse, bot -> Caller.userHash(bot, user, secrets.get()))
                .compose(hashes -> recorded(hashes.values(), "key " + key.id(), now)
                        .compose(_ -> context.vertx().executeBlocking(() -> answer(user, hashes, now), false)))
                .onSuccess(json -> accepted(context, json))
                .onFailure(context::fail);
    }

    /** Has the visitor who asks forgotten; the browser is somebody new then. */
    public void eraseVisitor(RoutingContext context) {
        if (!(Authentication.caller(context) instanceof Caller.Visitor visitor)) {
            throw ApiException.of(
                    403, "not_a_visitor", "An application has its users forgotten with DELETE /v1/users/{user}.");
        }
        String id = visitor.visitor();
        if (id == null) {
            throw ApiException.of(
                    404,
                    "unknown_visitor",
                    "This service knows nobody by the cookie or the x-bellwether-visitor header of this call.");
        }
        Instant now = clock.instant();
        // One cookie is for the pages of all bots.
        hashes(context, this::hasVisitors, bot -> Caller.visitorHash(bot, id, secrets.get()))
                .compose(hashes -> recorded(hashes.values(), "the visitor", now).map(_ -> shown(hashes.keySet())))
                .onSuccess(bots -> {
                    visitors.leave(context);
                    accepted(context, answer(bots, WEIGHTS_OF_VISITORS, now));
                })
                .onFailure(context::fail);
    }

    /** What a visitor is told: which bots there were besides is not theirs to know. */
    private Set<String> shown(Set<String> all) {
        Set<String> shown = new TreeSet<>(all);
        shown.retainAll(bots.get().bots().keySet());
        return shown;
    }

    private boolean hasVisitors(String bot) {
        return bots.get().find(bot).map(settings -> settings.chat().visitors()).orElse(true);
    }

    /** What a user is known by to the bots of the file, and to those that were in it when they got their versions. */
    private Future<Map<String, String>> hashes(
            RoutingContext context, Predicate<String> wanted, UnaryOperator<String> hash) {
        return context.vertx()
                .executeBlocking(
                        () -> {
                            Map<String, String> hashes = new TreeMap<>();
                            Stream.concat(bots.get().bots().keySet().stream(), store.bots().stream())
                                    .filter(wanted)
                                    .forEach(bot -> hashes.put(bot, hash.apply(bot)));
                            return hashes;
                        },
                        false);
    }

    private static void accepted(RoutingContext context, ObjectNode json) {
        context.response()
                .setStatusCode(202)
                .putHeader("content-type", "application/json")
                .end(Json.write(json));
    }

    /** Done once every erasure is durable. */
    private Future<?> recorded(Collection<String> hashes, String by, Instant now) {
        return Future.all(hashes.stream()
                        .map(hash -> journal.append(
                                Topics.ERASURES, hash, new Erasure(Event.SCHEMA, hash, by, now.toEpochMilli())))
                        .toList())
                .timeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .recover(failure -> {
                    LOG.warn("an erasure could not be recorded: {}", failure.getMessage());
                    return Future.failedFuture(ApiException.later(
                            503,
                            "not_durable",
                            "It is not known whether the erasure was stored; send it again, it is done once.",
                            Duration.ofSeconds(2)));
                });
    }

    private static ObjectNode answer(Collection<String> bots, String weights, Instant now) {
        ObjectNode json = Json.object();
        bots.forEach(json.putArray("bots")::add);
        return json.put("erased_by", now.plus(Topics.ERASED_WITHIN).toString()).put("weights", weights);
    }

    private ObjectNode answer(String user, Map<String, String> hashes, Instant now) throws IOException {
        ObjectNode json = Json.object().put("user", user);
        json.setAll(answer(hashes.keySet(), WEIGHTS, now));
        ArrayNode versions = json.putArray("versions");
        for (Map.Entry<String, String> each : hashes.entrySet()) {
            List<String> learned = LearnedFrom.versions(store, each.getKey(), each.getValue());
            learned.forEach(
                    version -> versions.addObject().put("bot", each.getKey()).put("version", version));
        }
        return json;
    }
}
