package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Source;
import dev.bellwether.gateway.access.ApiKeys.ApiKey;
import dev.bellwether.gateway.access.ApiKeys.Role;
import dev.bellwether.gateway.access.Authentication;
import dev.bellwether.gateway.access.Sha256;
import dev.bellwether.gateway.access.TokenKeys;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Bodies;
import dev.bellwether.gateway.http.Cors;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.journal.NotDurableException;
import dev.bellwether.gateway.limits.IdempotencyStore;
import dev.bellwether.gateway.limits.IdempotencyStore.Known;
import dev.bellwether.gateway.privacy.Masking;
import dev.bellwether.topic.Topics;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code POST} and {@code DELETE /v1/feedback}: takes judgements and answers once they are durable. */
public final class FeedbackHandler {
    private static final Logger LOG = LoggerFactory.getLogger(FeedbackHandler.class);

    /** How long a judgement waits to be durable. */
    private static final Duration LIMIT = Duration.ofSeconds(8);

    private static final Duration RETRY = Duration.ofSeconds(2);

    private static final int IDEMPOTENCY_KEY_MAX = 255;
    private static final String TOKEN = "feedback-token";

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final FeedbackToken.Sealer sealer;
    private final EventJournal journal;
    private final IdempotencyStore answers;
    private final Eagerness eagerness;
    private final Clock clock;

    public FeedbackHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            Supplier<TokenKeys> secrets,
            EventJournal journal,
            IdempotencyStore answers,
            MeterRegistry meters,
            Clock clock) {
        this.bots = bots;
        this.authentication = authentication;
        this.sealer = new FeedbackToken.Sealer(secrets, clock);
        this.journal = journal;
        this.answers = answers;
        this.eagerness = new Eagerness(meters);
        this.clock = clock;
    }

    /** Refuses who has no token, or a bad one, before the body is read. */
    public void admit(RoutingContext context) {
        FeedbackToken token = sealer.open(Authentication.feedbackToken(context));
        bots.get()
                .find(token.bot())
                .ifPresent(bot -> Cors.restrict(context, bot.chat().origins()));
        context.put(TOKEN, token).next();
    }

    private static FeedbackToken token(RoutingContext context) {
        FeedbackToken token = context.get(TOKEN);
        if (token == null) {
            throw new IllegalStateException("no token was let pass");
        }
        return token;
    }

    /** Takes a judgement. */
    public void submit(RoutingContext context) {
        FeedbackToken token = token(context);
        ObjectNode json = Bodies.json(context);
        List<String> reasons = bots.get()
                .find(token.bot())
                .map(bot -> bot.chat().thumbReasons())
                .orElse(List.of());
        FeedbackBody body = FeedbackBody.parse(json, token.replies(), reasons);
        Source source = source(context, token.bot());
        String bodyHash = Sha256.hex(json.toString());
        Optional<String> idempotencyKey = idempotencyKey(context);
        String replayKey = Sha256.hex(Authentication.feedbackToken(context)
                + "\n"
                + idempotencyKey.orElseGet(() -> UUID.randomUUID().toString()));
        // With the body's hash: another body under the same key is never taken for a repeat where Redis has forgotten.
        String feedbackId =
                token.interactionId() + "." + Sha256.hex(replayKey + bodyHash).substring(0, 32);
        Feedback feedback = new Feedback(
                Event.SCHEMA,
                feedbackId,
                token.interactionId(),
                body.choice(),
                token.userHash(),
                source,
                bots.get()
                        .find(token.bot())
                        .map(Bots.Bot::privacy)
                        .orElse(Masking.DEFAULT)
                        .signal(body.signal()),
                null,
                clock.millis());
        if (token.userHash() != null) {
            eagerness.count(token.bot(), token.userHash());
        }
        Future<Boolean> replay = idempotencyKey.isEmpty()
                ? record(feedback).map(false)
                : answers.claim(replayKey, bodyHash)
                        .compose(known -> answer(known, bodyHash, feedback))
                        .compose(replayed -> replayed
                                ? Future.succeededFuture(true)
                                : answers.remember(replayKey, bodyHash, feedbackId)
                                        .map(false));
        replay.onSuccess(replayed -> accepted(context, feedbackId, replayed)).onFailure(context::fail);
    }

    /** Whether it is a repeat of what is durable already; what is not is recorded, once more perhaps, which is as one. */
    private Future<Boolean> answer(Optional<Known> known, String bodyHash, Feedback feedback) {
        if (known.isPresent() && !known.get().bodyHash().equals(bodyHash)) {
            return Future.failedFuture(ApiException.of(
                    409,
                    "idempotency_conflict",
                    "The Idempotency-Key was used before with another body; use a new key."));
        }
        return known.flatMap(Known::answer).isPresent()
                ? Future.succeededFuture(true)
                : record(feedback).map(false);
    }

    private static void accepted(RoutingContext context, String feedbackId, boolean replayed) {
        if (replayed) {
            context.response().putHeader("idempotent-replayed", "true");
        }
        context.response()
                .setStatusCode(202)
                .putHeader("content-type", "application/json")
                .end(Json.write(Json.object().put("feedback_id", feedbackId)));
    }

    /** Withdraws a judgement of the token's interaction. */
    public void withdraw(RoutingContext context) {
        FeedbackToken token = token(context);
        String withdrawn = context.pathParam("id");
        if (!withdrawn.startsWith(token.interactionId() + ".")) {
            throw ApiException.of(404, "feedback_not_found", "The token does not belong to this feedback.");
        }
        Feedback withdrawal = new Feedback(
                Event.SCHEMA,
                token.interactionId() + "."
                        + Sha256.hex("withdraw\n" + withdrawn).substring(0, 32),
                token.interactionId(),
                0,
                token.userHash(),
                source(context, token.bot()),
                null,
                withdrawn,
                clock.millis());
        record(withdrawal).onSuccess(_ -> accepted(context, withdrawn, false)).onFailure(context::fail);
    }

    private Future<Void> record(Feedback feedback) {
        return journal.append(Topics.FEEDBACK, feedback.interactionId(), feedback)
                .timeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .recover(failure -> {
                    LOG.warn(
                            "feedback {} on interaction {} could not be recorded: {}",
                            feedback.feedbackId(),
                            feedback.interactionId(),
                            failure.getMessage());
                    return Future.failedFuture(notDurable(failure));
                });
    }

    private static ApiException notDurable(Throwable failure) {
        if (failure instanceof NotDurableException nowhere && !nowhere.sent()) {
            return ApiException.later(
                    503,
                    "not_stored",
                    "The feedback was not stored: there is no room for it now; send it again.",
                    RETRY);
        }
        return ApiException.later(
                503,
                "not_durable",
                "It is not known whether the feedback was stored; send it again with the same Idempotency-Key,"
                        + " it counts once.",
                RETRY);
    }

    private Source source(RoutingContext context, String bot) {
        Optional<ApiKey> key = authentication.beside(context, bot);
        if (key.map(k -> k.has(Role.REVIEWER)).orElse(false)) {
            return Source.REVIEWER;
        }
        return key.map(k -> k.has(Role.OPERATOR)).orElse(false) ? Source.OPERATOR : Source.END_USER;
    }

    private static Optional<String> idempotencyKey(RoutingContext context) {
        String key = context.request().getHeader("idempotency-key");
        if (key == null) {
            return Optional.empty();
        }
        if (key.isBlank() || key.length() > IDEMPOTENCY_KEY_MAX) {
            throw ApiException.of(
                    400,
                    "invalid_idempotency_key",
                    "The Idempotency-Key must have 1 to %d characters.".formatted(IDEMPOTENCY_KEY_MAX));
        }
        return Optional.of(key);
    }
}
