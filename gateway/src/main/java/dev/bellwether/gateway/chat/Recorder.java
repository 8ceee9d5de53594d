package dev.bellwether.gateway.chat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.bellwether.event.Answer;
import dev.bellwether.event.Event;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.SampledTokens;
import dev.bellwether.gateway.bots.ServingConfig;
import dev.bellwether.gateway.bots.ServingConfig.Price;
import dev.bellwether.gateway.feedback.FeedbackToken;
import dev.bellwether.gateway.http.Lanes;
import dev.bellwether.gateway.journal.EventJournal;
import dev.bellwether.gateway.privacy.Masking;
import dev.bellwether.gateway.rollout.Assignment;
import dev.bellwether.gateway.serving.GeneratedReply;
import dev.bellwether.gateway.serving.Replies;
import dev.bellwether.gateway.serving.Totals;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.topic.Topics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Records interactions, and gives those that are durable a token for feedback. */
public final class Recorder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Recorder.class);

    /** How long a reply waits to be durable; later it goes out without a token. */
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private static final int REASON_MAX = 300;
    private static final int MASKED_AT_ONCE_MAX = 4_000;

    /** Times as long as masking a long one took: it leaves half of a core. */
    private static final int MASKING_REST = 1;

    private static final int MASKED_LATER_MAX = 64;

    private final EventJournal journal;
    private final FeedbackToken.Sealer sealer;
    private final MeterRegistry meters;
    private final Clock clock;
    private final Lanes maskers = new Lanes("masking", MASKED_LATER_MAX);
    private final Map<Version, Meters> counted = new ConcurrentHashMap<>();

    public Recorder(EventJournal journal, FeedbackToken.Sealer sealer, MeterRegistry meters, Clock clock) {
        this.journal = journal;
        this.sealer = sealer;
        this.meters = meters;
        this.clock = clock;
    }

    /**
     * One interaction, as far as it was decided before it was answered.
     *
     * @param doubted whether it is to be a duel of the replies that the reward model doubts
     */
    record Subject(
            ChatRequest request,
            ChatReply objects,
            Assignment assignment,
            @Nullable String experiment,
            @Nullable String userHash,
            double temperature,
            double topP,
            ServingConfig serving,
            Masking masking,
            boolean doubted) {}

    /**
     * How it was answered.
     *
     * @param version that replied for the user's arm
     * @param versions that gave the replies, one by one
     */
    record Outcome(
            String version,
            List<String> versions,
            List<Replies.Failure> failures,
            Optional<Replies.Failure> rivalFailure,
            Collection<GeneratedReply> replies,
            Totals totals,
            Duration firstToken,
            Duration latency) {}

    /** Records a whole interaction; its token, once it is durable. */
    Future<Optional<String>> complete(Subject subject, Outcome outcome) {
        count(subject, outcome);
        if (!subject.request().stored()) {
            return Future.succeededFuture(Optional.empty());
        }
        ChatReply objects = subject.objects();
        return append(subject, outcome, true)
                .timeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                .map(_ -> Optional.of(sealer.seal(
                        objects.interactionId(),
                        objects.bot(),
                        subject.userHash(),
                        outcome.replies().size())))
                .otherwise(failure -> {
                    unrecorded(subject, failure);
                    return Optional.empty();
                });
    }

    /** Records an interaction whose reader left, or that nobody answered; it cannot be judged. */
    void incomplete(Subject subject, Outcome outcome) {
        if (subject.request().stored()) {
            append(subject, outcome, false).onFailure(failure -> unrecorded(subject, failure));
        }
    }

    private static void unrecorded(Subject subject, Throwable failure) {
        ChatReply objects = subject.objects();
        LOG.warn(
                "interaction {} of {} was not recorded: {}",
                objects.interactionId(),
                objects.bot(),
                failure.getMessage());
    }

    @Override
    public void close() {
        maskers.close();
    }

    /** Masking a megabyte of numbers takes two seconds: long ones wait for their bot's thread, as far as there is room. */
    private Future<Void> append(Subject subject, Outcome outcome, boolean complete) {
        Future<Interaction> interaction = letters(subject, outcome) <= MASKED_AT_ONCE_MAX
                ? Future.succeededFuture(masked(subject, outcome, complete))
                : maskers.of(subject.objects().bot()).run(() -> masked(subject, outcome, complete), MASKING_REST);
        return interaction.compose(
                each -> journal.append(Topics.INTERACTIONS, subject.objects().interactionId(), each));
    }

    /** Of all that is masked. */
    private static long letters(Subject subject, Outcome outcome) {
        ChatRequest request = subject.request();
        long asked = request.messages().stream()
                .mapToLong(message -> message.content().length() + letters(message.toolCalls()))
                .sum();
        long replied = outcome.replies().stream()
                .mapToLong(reply -> reply.text().length() + letters(reply.toolCalls()))
                .sum();
        long besides =
                request.attributes().values().stream().mapToLong(String::length).sum();
        return asked + replied + besides;
    }

    private static long letters(@Nullable JsonNode json) {
        if (json == null) {
            return 0;
        }
        long inner = StreamSupport.stream(json.spliterator(), false)
                .mapToLong(Recorder::letters)
                .sum();
        return inner + (json.isTextual() ? json.textValue().length() : 0);
    }

    private Interaction masked(Subject subject, Outcome outcome, boolean complete) {
        Assignment assignment = subject.assignment();
        ChatReply objects = subject.objects();
        return new Interaction(
                Event.SCHEMA,
                objects.interactionId(),
                objects.bot(),
                objects.conversationId(),
                subject.userHash(),
                subject.request().messages().stream()
                        .map(subject.masking()::message)
                        .toList(),
                replies(subject, outcome).stream().map(subject.masking()::reply).toList(),
                subject.experiment(),
                assignment.arm(),
                assignment.candidateShare(),
                assignment.reason(),
                complete,
                outcome.latency().toMillis(),
                clock.millis(),
                subject.masking().values(subject.request().attributes()),
                answer(subject, outcome),
                assignment.holdout());
    }

    private static List<Reply> replies(Subject subject, Outcome outcome) {
        List<Reply> replies = new ArrayList<>();
        boolean alone =
                outcome.replies().size() == 1 && outcome.totals().candidates().isEmpty();
        for (GeneratedReply reply : outcome.replies()) {
            replies.add(new Reply(
                    reply.text(),
                    outcome.versions().get(replies.size()),
                    replies.size(),
                    reply.finishReason(),
                    outcome.totals().promptTokens(),
                    alone ? outcome.totals().completionTokens() : reply.tokens(),
                    subject.temperature(),
                    subject.topP(),
                    reply.toolCalls(),
                    subject.serving().recordTokens() ? sampled(reply) : null));
        }
        return replies;
    }

    private static @Nullable SampledTokens sampled(GeneratedReply reply) {
        Completion completion = reply.sampled();
        if (completion == null) {
            return null;
        }
        float[] logProbabilities = completion.logProbabilities();
        return new SampledTokens(
                IntStream.of(completion.sampled()).boxed().toList(),
                IntStream.range(0, logProbabilities.length)
                        .mapToObj(i -> logProbabilities[i])
                        .toList());
    }

    private static Answer answer(Subject subject, Outcome outcome) {
        Totals totals = outcome.totals();
        return new Answer(
                outcome.failures().stream()
                        .map(failure -> recorded(subject, failure))
                        .toList(),
                totals.model(),
                outcome.firstToken().toMillis(),
                totals.promptTokens(),
                totals.completionTokens(),
                cost(subject, totals).orElse(null),
                outcome.rivalFailure()
                        .map(failure -> recorded(subject, failure))
                        .orElse(null),
                totals.candidates(),
                (subject.doubted() && !totals.candidates().isEmpty()) ? true : null);
    }

    /** Services repeat in what they say what they were asked. */
    private static Answer.Failure recorded(Subject subject, Replies.Failure failure) {
        return new Answer.Failure(failure.version(), subject.masking().text(reason(failure)));
    }

    private static String reason(Replies.Failure failure) {
        String reason =
                failure.reason().answer().code() + ": " + failure.reason().getMessage();
        return reason.length() > REASON_MAX ? reason.substring(0, REASON_MAX) : reason;
    }

    /** None where the service does not say how much it read and wrote: nothing is free. */
    private static Optional<Double> cost(Subject subject, Totals totals) {
        Price price = totals.model() == null ? null : subject.serving().prices().get(totals.model());
        return Optional.ofNullable(price)
                .filter(_ -> totals.promptTokens() + totals.completionTokens() > 0)
                .map(known -> known.of(totals.promptTokens(), totals.completionTokens()));
    }

    private void count(Subject subject, Outcome outcome) {
        Meters of = counted.computeIfAbsent(
                new Version(subject.objects().bot(), outcome.version()), version -> Meters.of(meters, version));
        Totals totals = outcome.totals();
        of.prompt().increment(totals.promptTokens());
        of.completion().increment(totals.completionTokens());
        cost(subject, totals).ifPresent(of.cost()::increment);
        of.reply().record(outcome.latency());
    }

    private record Version(String bot, String version) {}

    /** What is counted of one version. */
    private record Meters(Counter prompt, Counter completion, Counter cost, Timer reply) {
        static Meters of(MeterRegistry meters, Version version) {
            Tags tags = Tags.of("bot", version.bot(), "version", version.version());
            return new Meters(
                    meters.counter("bellwether.tokens", tags.and("kind", "prompt")),
                    meters.counter("bellwether.tokens", tags.and("kind", "completion")),
                    meters.counter("bellwether.cost", tags),
                    meters.timer("bellwether.reply", tags));
        }
    }
}
