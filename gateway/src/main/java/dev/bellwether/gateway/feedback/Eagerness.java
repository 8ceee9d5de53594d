package dev.bellwether.gateway.feedback;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.bellwether.event.Feedback;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who judges more often than counts: all of it is recorded, and who runs the bot hears of it, in the log once a day for each
 * and in {@code bellwether_feedback_over_cap_total}.
 */
final class Eagerness {
    private static final Logger LOG = LoggerFactory.getLogger(Eagerness.class);
    private static final int USERS_MAX = 100_000;

    private final MeterRegistry meters;
    private final Cache<String, AtomicInteger> today = Caffeine.newBuilder()
            .maximumSize(USERS_MAX)
            .expireAfterWrite(Duration.ofDays(1))
            .build();

    Eagerness(MeterRegistry meters) {
        this.meters = meters;
    }

    /** Counts a judgement of {@code user}, an unguessable hash. */
    void count(String bot, String user) {
        int count = today.get(user, _ -> new AtomicInteger()).incrementAndGet();
        if (count > Feedback.COUNTED_A_DAY_MAX) {
            meters.counter("bellwether.feedback.over.cap", "bot", bot).increment();
        }
        if (count == Feedback.COUNTED_A_DAY_MAX + 1) {
            LOG.warn(
                    "user {} of {} has judged more than {} times within a day; nothing more of it is learned from today",
                    user,
                    bot,
                    Feedback.COUNTED_A_DAY_MAX);
        }
    }
}
