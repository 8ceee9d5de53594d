package dev.bellwether.trainer.objective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PpoConfigTest {
    /** A refresh goes four nats further at most, from wherever it begins, and no refresh further than nine tenths of the bot's budget. */
    @ParameterizedTest
    @CsvSource({
        "15, 0, 3.9, false",
        "15, 0, 4.1, true",
        "15, 5, 8.9, false",
        "15, 5, 9.1, true",
        "15, 12, 13.4, false",
        "15, 12, 13.6, true",
        "2, 0, 1.7, false",
        "2, 0, 1.9, true"
    })
    void undoesWhatLeadsTooFar(double budget, double begun, double kl, boolean undone) {
        assertThat(PpoConfig.DEFAULT
                        .within(budget, begun)
                        .exceededBy(Map.of("objective/kl", kl, "response/distinct", 1.0)))
                .isEqualTo(undone);
    }
}
