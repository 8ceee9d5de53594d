package dev.bellwether.simulation.customer;

import dev.bellwether.sdk.BellwetherClient;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.FeedbackReceipt;

/** A deployed bot as its customers meet it. */
public interface Bot {
    /** What requests call it. */
    String name();

    ChatResponse chat(ChatRequest request);

    FeedbackReceipt submit(String feedbackToken, Feedback feedback);

    /** A bot behind a gateway. */
    static Bot of(BellwetherClient client, String name) {
        return new Remote(client, name);
    }

    /** A bot that the SDK calls. */
    record Remote(BellwetherClient client, String name) implements Bot {
        @Override
        public ChatResponse chat(ChatRequest request) {
            return client.chat(request);
        }

        @Override
        public FeedbackReceipt submit(String feedbackToken, Feedback feedback) {
            return client.submit(feedbackToken, feedback);
        }
    }
}
