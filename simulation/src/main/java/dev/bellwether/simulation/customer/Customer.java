package dev.bellwether.simulation.customer;

import dev.bellwether.sdk.BellwetherException;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.ChatResponse.Choice;
import dev.bellwether.sdk.Duel;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.Feedback.Preference.Chosen;
import dev.bellwether.sdk.Message;
import dev.bellwether.simulation.customer.Person.Manner;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.taste.Satisfaction;
import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One person with one question: asks, reads, and now and then says what they think, or asks again.
 *
 * <p>Whatever they write themselves is made of replies they were given, so nothing but judgements teaches the bot.
 */
final class Customer {
    /** Of replies that they could better; about 4 in 100 reactions where length matters, fewer elsewhere. */
    private static final double EDITS = 0.12;

    /** Of replies that do not please. */
    private static final double REGENERATES = 0.08;

    private static final int ASKS_MAX = 3;

    private final Bot bot;
    private final Satisfaction satisfaction;
    private final Ledger ledger;
    private final RandomGenerator random;
    private final Person person;
    private final Question question;
    private final List<String> seen = new ArrayList<>();
    private @Nullable String conversation;

    Customer(
            Bot bot,
            Satisfaction satisfaction,
            Ledger ledger,
            RandomGenerator random,
            Person person,
            Question question) {
        this.bot = bot;
        this.satisfaction = satisfaction;
        this.ledger = ledger;
        this.random = random;
        this.person = person;
        this.question = question;
    }

    /**
     * Asks, and asks again while it is regenerated.
     *
     * @param admitted asked before every interaction; false ends the conversation
     * @throws BellwetherException when the bot gives no reply
     */
    void converse(BooleanSupplier admitted) {
        boolean again = true;
        for (int asked = 0; again && asked < ASKS_MAX && admitted.getAsBoolean(); asked++) {
            ChatResponse response = ask();
            again = reacts() && react(response);
            response.choices().forEach(choice -> seen.add(choice.text()));
        }
    }

    private boolean reacts() {
        return random.nextDouble() < satisfaction.taste().reactionRate() || person.manner() == Manner.ZEALOUS;
    }

    private ChatResponse ask() {
        ChatRequest.Builder request = ChatRequest.builder(bot.name())
                .message(Message.user(question.text()))
                .user(person.id())
                .duel(Duel.AUTO);
        if (conversation != null) {
            request.conversationId(conversation);
        }
        ChatResponse response = bot.chat(request.build());
        conversation = response.conversationId();
        ledger.served(response.interactionId());
        return response;
    }

    /** Judges a reply; true when it is asked for anew. */
    private boolean react(ChatResponse response) {
        if (response.duel()) {
            submit(response, "preference", preference(response.choices()));
            return false;
        }
        String reply = response.text();
        boolean edits = random.nextDouble() < EDITS && meansWhatTheySay();
        Optional<String> better = edits ? better(reply) : Optional.empty();
        if (better.isPresent()) {
            submit(response, "edit", Feedback.Edit.of(better.get()));
            return false;
        }
        boolean pleased = random.nextDouble() < satisfaction.of(question.category(), reply);
        if (!pleased && random.nextDouble() < REGENERATES && meansWhatTheySay()) {
            submit(response, "signal:regenerated", Feedback.Signal.of(Feedback.Signal.Name.REGENERATED));
            return true;
        }
        boolean up = said(pleased);
        submit(response, "thumb", up ? Feedback.Thumb.up() : Feedback.Thumb.down());
        return false;
    }

    private Feedback preference(List<Choice> choices) {
        String first = choices.get(0).text();
        String second = choices.get(1).text();
        if (first.equals(second)) {
            return new Feedback.Preference(Chosen.TIE);
        }
        boolean prefersFirst = random.nextDouble() < satisfaction.prefersFirst(question.category(), first, second);
        return new Feedback.Preference(said(prefersFirst) ? Chosen.FIRST : Chosen.SECOND);
    }

    private boolean meansWhatTheySay() {
        return person.manner() == Manner.HONEST || person.manner() == Manner.ZEALOUS;
    }

    /** What somebody says who thinks {@code thought}; of two replies generous people like the first. */
    private boolean said(boolean thought) {
        boolean meant = thought != random.nextDouble() < satisfaction.taste().flipRate();
        return switch (person.manner()) {
            case HONEST, ZEALOUS -> meant;
            case HOSTILE -> !meant;
            case CARELESS -> random.nextBoolean();
            case GENEROUS -> true;
        };
    }

    /** The reply shortened, or with the beginning of an earlier reply behind it, if that pleases more. */
    private Optional<String> better(String reply) {
        double best = satisfaction.score(question.category(), reply);
        Optional<String> better = Optional.empty();
        for (String candidate : rewritten(reply)) {
            double score = satisfaction.score(question.category(), candidate);
            if (score > best) {
                best = score;
                better = Optional.of(candidate);
            }
        }
        return better;
    }

    private List<String> rewritten(String reply) {
        List<String> sentences = sentences(reply);
        List<String> rewritten = new ArrayList<>();
        if (sentences.size() > 1) {
            rewritten.add(sentences.getFirst());
            for (int left = 0; left < sentences.size(); left++) {
                List<String> others = new ArrayList<>(sentences);
                others.remove(left);
                rewritten.add(String.join(" ", others));
            }
        }
        for (String earlier : seen) {
            sentences(earlier).stream()
                    .findFirst()
                    .ifPresent(sentence -> rewritten.add(reply.strip() + " " + sentence));
        }
        return rewritten;
    }

    private static List<String> sentences(String text) {
        BreakIterator breaks = BreakIterator.getSentenceInstance(Locale.ENGLISH);
        breaks.setText(text);
        List<String> sentences = new ArrayList<>();
        int start = breaks.first();
        for (int end = breaks.next(); end != BreakIterator.DONE; end = breaks.next()) {
            String sentence = text.substring(start, end).strip();
            if (!sentence.isEmpty()) {
                sentences.add(sentence);
            }
            start = end;
        }
        return sentences;
    }

    private void submit(ChatResponse response, String kind, Feedback feedback) {
        if (response.feedbackToken().isEmpty()) {
            ledger.failed("feedback without a token");
            return;
        }
        try {
            String id = bot.submit(response.feedbackToken().get(), feedback).feedbackId();
            ledger.acknowledged(new Ledger.Entry(id, response.interactionId(), kind));
        } catch (BellwetherException e) {
            ledger.failed("feedback: " + e.code());
        }
    }
}
