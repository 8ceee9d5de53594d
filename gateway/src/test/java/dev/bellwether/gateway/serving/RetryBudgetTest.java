package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RetryBudgetTest {
    private final RetryBudget budget = new RetryBudget();

    private long withdrawn(int times) {
        return IntStream.range(0, times).filter(_ -> budget.withdraw()).count();
    }

    @Test
    void allowsTenRetriesAndThenOneForEveryFiveRequests() {
        assertThat(withdrawn(20)).isEqualTo(10);
        IntStream.range(0, 4).forEach(_ -> budget.deposit());
        assertThat(withdrawn(1)).isZero();
        budget.deposit();
        assertThat(withdrawn(2)).isEqualTo(1);
    }

    @Test
    void savesNoMoreThanTen() {
        IntStream.range(0, 1_000).forEach(_ -> budget.deposit());
        assertThat(withdrawn(20)).isEqualTo(10);
    }
}
