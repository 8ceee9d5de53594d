package dev.bellwether.simulation.customer;

import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.FeedbackReceipt;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/** A bot that gives prepared replies and keeps what it is told. */
final class FakeBot implements Bot {
    private final IntFunction<List<String>> replies;
    private final AtomicInteger turns = new AtomicInteger();
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private final List<Feedback> judgements = Collections.synchronizedList(new ArrayList<>());

    /** {@code replies} by the number of the turn, from 0; it may throw. */
    FakeBot(IntFunction<List<String>> replies) {
        this.replies = replies;
    }

    static FakeBot saying(String... replies) {
        return new FakeBot(turn -> List.of(replies));
    }

    @Override
    public String name() {
        return "support";
    }

    @Override
    public ChatResponse chat(ChatRequest request) {
        int turn = turns.getAndIncrement();
        requests.add(request.toString());
        List<ChatResponse.Choice> choices = new ArrayList<>();
        for (String reply : replies.apply(turn)) {
            choices.add(new ChatResponse.Choice(choices.size(), reply, "stop"));
        }
        String id = "i" + turn;
        return new ChatResponse(id, "support", choices, Optional.empty(), id, "c", Optional.of("token " + id));
    }

    @Override
    public FeedbackReceipt submit(String feedbackToken, Feedback feedback) {
        judgements.add(feedback);
        return new FeedbackReceipt("f" + judgements.size(), false);
    }

    List<String> requests() {
        return List.copyOf(requests);
    }

    List<Feedback> judgements() {
        return List.copyOf(judgements);
    }
}
