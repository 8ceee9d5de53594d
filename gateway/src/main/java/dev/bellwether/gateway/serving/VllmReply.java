package dev.bellwether.gateway.serving;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.engine.Completion;
import dev.bellwether.policy.engine.Sampling;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A reply of a vLLM server on its way: what only the record is to hold is taken out of it. */
final class VllmReply implements Policy.Generation, ReplyListener {
    /** Of {@code top_k}: any token may be drawn. */
    private static final int ALL = -1;

    private static final String IDS = "token_ids";
    private static final String LOG_PROBABILITIES = "logprobs";

    private final boolean recordTokens;
    private final ReplyListener listener;
    private final Runnable over;
    private final Runnable failed;
    private final Map<Integer, Tokens> tokens = new HashMap<>();
    private boolean logProbabilitiesAsked;
    private boolean ended;
    private Policy.@Nullable Generation generation;

    /** What was drawn so far. */
    private record Tokens(List<Integer> ids, List<Float> logProbabilities) {
        private static final Tokens NONE = new Tokens(List.of(), List.of());
    }

    /**
     * @param over told once, when nothing more comes
     * @param failed told where it is the server's fault
     */
    VllmReply(boolean recordTokens, ReplyListener listener, Runnable over, Runnable failed) {
        this.recordTokens = recordTokens;
        this.listener = listener;
        this.over = over;
        this.failed = failed;
    }

    /**
     * Sampled as this gateway would sample where the caller says nothing, and with tokens where they are recorded. The server
     * takes what is left out from the {@code generation_config.json} of its base: so nothing is.
     */
    Ask asked(Ask ask) {
        ObjectNode body = ask.body().deepCopy();
        logProbabilitiesAsked = body.path(LOG_PROBABILITIES).asBoolean(false);
        Sampling sampling = ask.sampling();
        body.put("temperature", sampling.temperature()).put("top_p", sampling.topP());
        body.remove("max_completion_tokens");
        body.put("max_tokens", sampling.tokensMax());
        body.put("top_k", sampling.topK() > 0 ? sampling.topK() : ALL);
        if (!body.has("min_p")) {
            body.put("min_p", 0);
        }
        if (!body.has("repetition_penalty")) {
            body.put("repetition_penalty", 1);
        }
        if (recordTokens) {
            body.put(LOG_PROBABILITIES, true).put("return_token_ids", true);
        }
        return new Ask(
                ask.turns(),
                ask.beyondText(),
                body,
                ask.choices(),
                sampling,
                ask.stops(),
                ask.stream(),
                ask.deadline());
    }

    Policy.Generation started(Policy.Generation own) {
        generation = own;
        return this;
    }

    @Override
    public void onDelta(int choice, ObjectNode delta, @Nullable ObjectNode beside) {
        listener.onDelta(choice, delta, kept(choice, beside));
    }

    @Override
    public void onEnd(int choice, GeneratedReply reply) {
        ObjectNode beside = kept(choice, reply.beside());
        Tokens drawn = Objects.requireNonNullElse(tokens.get(choice), Tokens.NONE);
        boolean whole = !drawn.ids().isEmpty()
                && drawn.ids().size() == drawn.logProbabilities().size();
        Completion completion = whole ? completion(drawn, reply.finishReason()) : null;
        listener.onEnd(
                choice,
                new GeneratedReply(
                        reply.text(), reply.finishReason(), reply.tokens(), reply.message(), beside, completion));
    }

    private static Completion completion(Tokens drawn, String finishReason) {
        float[] logProbabilities = new float[drawn.ids().size()];
        IntStream.range(0, logProbabilities.length)
                .forEach(i -> logProbabilities[i] = drawn.logProbabilities().get(i));
        return new Completion(
                drawn.ids().stream().mapToInt(Integer::intValue).toArray(),
                logProbabilities,
                finishReason.equals("stop") ? Completion.Finish.END : Completion.Finish.LENGTH);
    }

    /** What stands beside a piece, without what the caller did not ask for. */
    private @Nullable ObjectNode kept(int choice, @Nullable ObjectNode beside) {
        if (beside == null || !recordTokens) {
            return beside;
        }
        Tokens drawn = tokens.computeIfAbsent(choice, _ -> new Tokens(new ArrayList<>(), new ArrayList<>()));
        for (JsonNode id : beside.path(IDS)) {
            drawn.ids().add(id.asInt());
        }
        for (JsonNode token : beside.path(LOG_PROBABILITIES).path("content")) {
            drawn.logProbabilities().add((float) token.path("logprob").asDouble());
        }
        ObjectNode left = beside.deepCopy();
        left.remove(IDS);
        if (!logProbabilitiesAsked) {
            left.remove(LOG_PROBABILITIES);
        }
        return left.isEmpty() ? null : left;
    }

    @Override
    public void onDone(Totals totals) {
        end();
        ObjectNode beside = totals.beside() == null ? null : totals.beside().deepCopy();
        if (beside != null) {
            beside.remove(List.of("prompt_token_ids", "prompt_logprobs", "kv_transfer_params"));
        }
        listener.onDone(new Totals(
                totals.promptTokens(),
                totals.completionTokens(),
                totals.model(),
                totals.usage(),
                beside == null || beside.isEmpty() ? null : beside,
                totals.candidates()));
    }

    @Override
    public void onFailure(PolicyException failure) {
        end();
        if (failure.blame() == PolicyException.Blame.POLICY) {
            failed.run();
        }
        listener.onFailure(failure);
    }

    private void end() {
        if (!ended) {
            ended = true;
            over.run();
        }
    }

    @Override
    public void cancel() {
        end();
        if (generation != null) {
            generation.cancel();
        }
    }

    @Override
    public void pause() {
        if (generation != null) {
            generation.pause();
        }
    }

    @Override
    public void resume() {
        if (generation != null) {
            generation.resume();
        }
    }
}
