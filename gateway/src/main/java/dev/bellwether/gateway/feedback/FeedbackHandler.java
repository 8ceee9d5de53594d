package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.Source;
import dev.bellwether.gateway.bots.ApiKeys.ApiKey;
import dev.bellwether.gateway.bots.ApiKeys.Role;
import dev.bellwether.gateway.bots.Bots;
import dev.bellwether.gateway.http.ApiException;
import dev.bellwether.gateway.http.Authentication;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.limits.IdempotencyStore;
import dev.bellwether.gateway.limits.IdempotencyStore.Answer;
import dev.bellwether.topic.Topics;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code POST} and {@code DELETE /v1/feedback}: takes judgements and answers once they are durable. */
public final class FeedbackHandler {
    private static final Logger LOG = LoggerFactory.getLogger(FeedbackHandler.class);
    private static final int IDEMPOTENCY_KEY_MAX = 255;

    private final Supplier<Bots> bots;
    private final Authentication authentication;
    private final FeedbackToken.Sealer sealer;
    private final EventJournal journal;
    private final IdempotencyStore answers;
    private final Clock clock;

    public FeedbackHandler(
            Supplier<Bots> bots,
            Authentication authentication,
            TokenKeys secrets,
            EventJournal journal,
            IdempotencyStore answers,
            Clock clock) {
        this.bots = bots;
        this.authentication = authentication;
        this.sealer = new FeedbackToken.Sealer(secrets, clock);
        this.journal = journal;
        this.answers = answers;
        this.clock = clock;
    }

    /** Takes a judgement. */
    public void submit(RoutingContext context) {
        String sealed = Authentication.feedbackToken(context);
        FeedbackToken token = sealer.open(sealed);
        ObjectNode json = Json.parse(context.body().buffer());
        List<String> reasons = bots.get()
                .find(token.bot())
                .map(bot -> bot.chat().thumbReasons())
                .orElse(List.of());
        FeedbackBody body = FeedbackBody.parse(json, token.replies(), reasons);
        Source source = source(context, token.bot());
        String key = idempotencyKey(context);
        String replayKey = hash(sealed + "\n" + key);
        String feedbackId = token.interactionId() + "." + replayKey.substring(0, 32);
        String bodyHash = hash(json.toString());
        Feedback feedback = new Feedback(
                Event.SCHEMA,
                feedbackId,
                token.interactionId(),
                body.choice(),
                token.userHash(),
                source,
                body.signal(),
                null,
                clock.millis());
        answers.find(replayKey)
                .compose(known -> known.isPresent()
                        ? replay(known.get(), bodyHash)
                        : record(feedback)
                                .compose(_ -> answers.remember(replayKey, new Answer(bodyHash, feedbackId))
                                        .map(false)))
                .onSuccess(replayed -> accepted(context, feedbackId, replayed))
                .onFailure(context::fail);
    }

    private static Future<Boolean> replay(Answer known, String bodyHash) {
        return known.bodyHash().equals(bodyHash)
                ? Future.succeededFuture(true)
                : Future.failedFuture(ApiException.of(
                        409,
                        "idempotency_conflict",
                        "The Idempotency-Key was used before with another body; use a new key."));
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
        FeedbackToken token = sealer.open(Authentication.feedbackToken(context));
        String withdrawn = context.pathParam("id");
        if (!withdrawn.startsWith(token.interactionId() + ".")) {
            throw ApiException.of(404, "feedback_not_found", "The token does not belong to this feedback.");
        }
        Feedback withdrawal = new Feedback(
                Event.SCHEMA,
                token.interactionId() + "." + hash("withdraw\n" + withdrawn).substring(0, 32),
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
                .recover(failure -> {
                    LOG.warn("feedback could not be recorded: {}", failure.getMessage());
                    return Future.failedFuture(ApiException.later(
                            503,
                            "not_durable",
                            "The feedback could not be stored; nothing was recorded, try again.",
                            Duration.ofSeconds(2)));
                });
    }

    private Source source(RoutingContext context, String bot) {
        Optional<ApiKey> key = authentication.beside(context, bot);
        if (key.map(k -> k.has(Role.REVIEWER)).orElse(false)) {
            return Source.REVIEWER;
        }
        return key.map(k -> k.has(Role.OPERATOR)).orElse(false) ? Source.OPERATOR : Source.END_USER;
    }

    private static String idempotencyKey(RoutingContext context) {
        String key = context.request().getHeader("idempotency-key");
        if (key == null) {
            return UUID.randomUUID().toString();
        }
        if (key.isBlank() || key.length() > IDEMPOTENCY_KEY_MAX) {
            throw ApiException.of(
                    400,
                    "invalid_idempotency_key",
                    "The Idempotency-Key must have 1 to %d characters.".formatted(IDEMPOTENCY_KEY_MAX));
        }
        return key;
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
