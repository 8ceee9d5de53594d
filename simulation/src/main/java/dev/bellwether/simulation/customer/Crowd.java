package dev.bellwether.simulation.customer;

import dev.bellwether.sdk.BellwetherException;
import dev.bellwether.sdk.ChatRequest;
import dev.bellwether.sdk.ChatResponse;
import dev.bellwether.sdk.ConnectionException;
import dev.bellwether.sdk.Feedback;
import dev.bellwether.sdk.FeedbackReceipt;
import dev.bellwether.simulation.question.Question;
import dev.bellwether.simulation.taste.Satisfaction;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Many customers at once, until a number of interactions is reached. */
public final class Crowd {
    private static final int BAR_REFRESH_MILLIS = 500;

    private final Bot bot;
    private final List<Question> questions;
    private final Satisfaction satisfaction;
    private final Ledger ledger;
    private final CrowdConfig config;
    private final AtomicLong admitted = new AtomicLong();
    private final AtomicLong interactions = new AtomicLong();
    private final AtomicLong conversations;
    private final AtomicLong unanswered = new AtomicLong();
    private volatile boolean gone;
    private final AtomicReference<@Nullable RuntimeException> fault = new AtomicReference<>();

    public Crowd(Bot bot, List<Question> questions, Satisfaction satisfaction, Ledger ledger, CrowdConfig config) {
        this.bot = bot;
        this.questions = List.copyOf(questions);
        this.satisfaction = satisfaction;
        this.ledger = ledger;
        this.config = config;
        this.conversations = new AtomicLong(config.conversations());
    }

    /**
     * What came of a run.
     *
     * @param interactions that customers had in this run
     * @param conversations that people with this seed have had by now
     * @param gone whether the run ended early because nothing answered any more
     */
    public record Outcome(long interactions, long conversations, boolean gone, Duration elapsed) {}

    /** Interactions so far; may be read while the crowd runs. */
    public long interactions() {
        return interactions.get();
    }

    /**
     * Runs until all interactions are had, or {@code stop} says so; a call that fails is counted and the run goes on,
     * unless one call of every customer in a row got no answer after all retries.
     *
     * @throws BellwetherException when the service refuses the key or does not know the bot
     */
    public Outcome run(BooleanSupplier stop) throws InterruptedException {
        long start = System.nanoTime();
        try (ExecutorService customers = Executors.newVirtualThreadPerTaskExecutor();
                Bar bar = new Bar(config)) {
            for (int i = 0; i < config.concurrency(); i++) {
                customers.execute(() -> serve(stop, bar));
            }
            customers.shutdown();
            try {
                while (!customers.awaitTermination(1, TimeUnit.SECONDS)) {
                    bar.say(ledger.feedback());
                }
            } catch (InterruptedException e) {
                customers.shutdownNow();
                throw e;
            }
        }
        RuntimeException failed = fault.get();
        if (failed != null) {
            throw failed;
        }
        return new Outcome(interactions.get(), conversations.get(), gone, Duration.ofNanos(System.nanoTime() - start));
    }

    private void serve(BooleanSupplier stop, Bar bar) {
        BooleanSupplier admission = () -> fault.get() == null
                && !Thread.currentThread().isInterrupted()
                && !gone
                && !stop.getAsBoolean()
                && admitted.incrementAndGet() <= config.interactions();
        while (fault.get() == null && !gone && !stop.getAsBoolean() && admitted.get() < config.interactions()) {
            long number = conversations.getAndIncrement();
            try {
                converse(number, admission, bar);
            } catch (ConnectionException e) {
                ledger.failed("chat: " + e.code());
                if (unanswered.incrementAndGet() >= config.concurrency()) {
                    gone = true;
                }
            } catch (BellwetherException e) {
                ledger.failed("chat: " + e.code());
                if (e.status() == 401 || e.status() == 403 || e.status() == 404) {
                    fault.compareAndSet(null, e);
                }
            } catch (RuntimeException e) {
                fault.compareAndSet(null, e);
            }
        }
    }

    /** Who has the n-th conversation, and what they decide, depends on the seed and n alone. */
    private void converse(long number, BooleanSupplier admission, Bar bar) {
        SplittableRandom random = Population.random(config.seed(), number);
        Person person = config.population().person(config.seed(), number);
        Question question = questions.get(random.nextInt(questions.size()));
        Bot counted = new Counted(bot, () -> {
            interactions.incrementAndGet();
            unanswered.set(0);
            bar.step();
        });
        new Customer(counted, satisfaction, ledger, random, person, question).converse(admission);
    }

    /** The bot, its replies counted. */
    private record Counted(Bot bot, Runnable served) implements Bot {
        @Override
        public String name() {
            return bot.name();
        }

        @Override
        public ChatResponse chat(ChatRequest request) {
            ChatResponse response = bot.chat(request);
            served.run();
            return response;
        }

        @Override
        public FeedbackReceipt submit(String feedbackToken, Feedback feedback) {
            return bot.submit(feedbackToken, feedback);
        }
    }

    /** A progress bar, or none. */
    private static final class Bar implements AutoCloseable {
        private final @Nullable ProgressBar bar;

        private Bar(CrowdConfig config) {
            this.bar = config.progress()
                    ? new ProgressBarBuilder()
                            .setTaskName("customers")
                            .setInitialMax(config.interactions())
                            .setStyle(ProgressBarStyle.ASCII)
                            .setUpdateIntervalMillis(BAR_REFRESH_MILLIS)
                            .build()
                    : null;
        }

        private void step() {
            if (bar != null) {
                bar.step();
            }
        }

        private void say(long judgements) {
            if (bar != null) {
                bar.setExtraMessage(" %d judgements".formatted(judgements));
            }
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }
}
