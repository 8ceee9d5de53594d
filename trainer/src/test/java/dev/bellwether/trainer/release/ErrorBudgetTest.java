package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ErrorBudgetTest {
    @Test
    void equalsNumbersComputedByHand() {
        // Shares .607927, .151982, .067547 of a start of .05; the first that is let through gives .05 back, each other
        // .1.
        assertThat(ErrorBudget.level(List.of())).isCloseTo(.030396, within(1e-6));
        assertThat(ErrorBudget.level(List.of(false))).isCloseTo(.007599, within(1e-6));
        assertThat(ErrorBudget.level(List.of(true))).isCloseTo(.007599 + .030396, within(1e-6));
        assertThat(ErrorBudget.level(List.of(true, true))).isCloseTo(.003377 + .007599 + .060793, within(1e-6));
        assertThat(ErrorBudget.level(List.of(true, false))).isCloseTo(.003377 + .007599, within(1e-6));
    }

    @Test
    void neverSpendsMoreThanThereIs() {
        double spent = 0;
        List<Boolean> refused = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            spent += ErrorBudget.level(refused);
            refused.add(false);
        }
        assertThat(spent)
                .as("the probability that any is let through of which none is better")
                .isLessThan(.05);
        assertThat(ErrorBudget.level(Collections.nCopies(1_000, true))).isLessThan(.1);
    }

    /** By simulation: half of the candidates are better, and are found so four times of five. */
    @Test
    void keepsTheShareOfThoseThatAreNoBetter() {
        Random random = new Random(5);
        double wrong = 0;
        int runs = 300;
        for (int run = 0; run < runs; run++) {
            List<Boolean> passed = new ArrayList<>();
            int through = 0;
            int noBetter = 0;
            for (int i = 0; i < 60; i++) {
                boolean better = random.nextBoolean();
                boolean passes = random.nextDouble() < (better ? .8 : ErrorBudget.level(passed));
                through += passes ? 1 : 0;
                noBetter += passes && !better ? 1 : 0;
                passed.add(passes);
            }
            wrong += through == 0 ? 0 : noBetter / (double) through;
        }
        assertThat(wrong / runs).isLessThan(ErrorBudget.RATE);
    }
}
