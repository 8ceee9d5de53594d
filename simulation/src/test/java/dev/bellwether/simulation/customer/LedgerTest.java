package dev.bellwether.simulation.customer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LedgerTest {
    private final Ledger ledger = new Ledger();

    @Test
    void losesNothingUnderManyThreads() throws InterruptedException {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 2_000; i++) {
                int number = i;
                threads.execute(() -> {
                    ledger.served("i" + number);
                    ledger.acknowledged(
                            new Ledger.Entry("f" + number, "i" + number, number % 2 == 0 ? "thumb" : "edit"));
                    ledger.failed("chat: overloaded");
                });
            }
            threads.shutdown();
            assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(ledger.feedback()).isEqualTo(2_000);
        assertThat(ledger.kinds()).isEqualTo(Map.of("thumb", 1_000L, "edit", 1_000L));
        assertThat(ledger.failures()).isEqualTo(Map.of("chat: overloaded", 2_000L));
        assertThat(ledger.interactions()).hasSize(2_000);
        assertThat(ledger.entries()).hasSize(2_000);
    }
}
