package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Answer.Candidate;
import dev.bellwether.gateway.http.Json;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.prompt.Turn;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for all of several replies and passes some on, chosen by the reward model's scores; runs on the event loop that
 * asked. Where they cannot be scored, those that came first are passed on: choosing may fail, replying may not.
 */
public final class Chooser implements ReplyListener {
    private static final Logger LOG = LoggerFactory.getLogger(Chooser.class);

    /** Of the time that is left, for scoring. */
    private static final int SHARE = 2;

    private final String bot;
    private final RewardModels models;
    private final Choice choice;
    private final Ask ask;
    private final ReplyListener listener;
    private final List<GeneratedReply> candidates = new ArrayList<>();

    /**
     * @param ask what the reader asked for: as many replies go on
     */
    public Chooser(String bot, RewardModels models, Choice choice, Ask ask, ReplyListener listener) {
        this.bot = bot;
        this.models = models;
        this.choice = choice;
        this.ask = ask;
        this.listener = listener;
    }

    /** Pieces wait: which reply they belong to is not chosen yet. */
    @Override
    public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {}

    @Override
    public void onEnd(int choice, GeneratedReply reply) {
        candidates.add(reply);
    }

    @Override
    public void onDone(Totals totals) {
        if (candidates.size() <= ask.choices()) {
            pass(IntStream.range(0, candidates.size()).boxed().toList(), totals);
            return;
        }
        List<String> texts = candidates.stream()
                .map(reply -> Turn.said(reply.text(), reply.toolCalls()))
                .toList();
        long limitMillis = Math.max(1, ask.deadline().left().toMillis() / SHARE);
        models.score(bot, ask.turns(), texts)
                .timeout(limitMillis, TimeUnit.MILLISECONDS)
                .onSuccess(scores -> choose(scores, totals))
                .onFailure(failure -> {
                    LOG.warn("replies of {} were not scored: {}", bot, failure.getMessage());
                    pass(IntStream.range(0, ask.choices()).boxed().toList(), totals);
                });
    }

    private void choose(List<Score> scores, Totals totals) {
        List<Integer> ranked = Choice.ranked(scores);
        List<Integer> chosen = choice.of(scores, ask.choices());
        Set<Integer> served = new HashSet<>(chosen);
        List<Candidate> scored = ranked.stream()
                .map(i -> new Candidate(i, scores.get(i).mean(), scores.get(i).spread(), served.contains(i)))
                .toList();
        pass(
                chosen,
                new Totals(
                        totals.promptTokens(),
                        totals.completionTokens(),
                        totals.model(),
                        totals.usage(),
                        totals.beside(),
                        scored));
    }

    private void pass(List<Integer> chosen, Totals totals) {
        for (int place = 0; place < chosen.size(); place++) {
            GeneratedReply reply = candidates.get(chosen.get(place));
            if (ask.stream()) {
                ObjectNode delta = reply.message() != null
                        ? MessageBuilder.delta(reply.message())
                        : Json.object().put("role", "assistant").put("content", reply.text());
                listener.onDelta(place, delta, reply.beside());
            }
            listener.onEnd(place, reply);
        }
        listener.onDone(totals);
    }

    @Override
    public void onFailure(PolicyException failure) {
        listener.onFailure(failure);
    }
}
