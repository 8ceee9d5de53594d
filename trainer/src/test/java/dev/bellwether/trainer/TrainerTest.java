package dev.bellwether.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainerTest {
    private static final String SFT = "sft --base nowhere --data nowhere --held-out nowhere --out nowhere ";
    private static final String COMPOSE = "compose --corpus nowhere --questions nowhere --out nowhere ";
    private static final String EVALUATE = "evaluate --checkpoint nowhere --corpus nowhere --questions nowhere ";
    private static final String SERVE = "serve --kafka nowhere --bots nowhere --store nowhere --data nowhere ";

    private static String start(String command) {
        return switch (command) {
            case "sft" -> SFT;
            case "compose" -> COMPOSE;
            case "evaluate" -> EVALUATE;
            default -> SERVE;
        };
    }

    @ParameterizedTest
    @CsvSource({
        "sft, --epochs, 0, a whole number from 1 to 1000000",
        "sft, --epochs, -3, a whole number from 1 to 1000000",
        "sft, --epochs, 1.5, a whole number from 1 to 1000000",
        "sft, --learning-rate, 0, a number from 1.0E-9 to 1",
        "sft, --learning-rate, NaN, a number from 1.0E-9 to 1",
        "sft, --learning-rate, fast, a number from 1.0E-9 to 1",
        "compose, --replies, 0, a whole number from 1 to 1000000",
        "compose, --vocabulary, 260, a whole number from 261 to 1000000",
        "evaluate, --temperature, -0.1, a number from 0 to 2",
        "evaluate, --temperature, 3, a number from 0 to 2",
        "serve, --health-port, 65536, a whole number from 0 to 65535",
        "serve, --replication, 0, a whole number from 1 to 32767"
    })
    void refusesANumberThatMakesNoSenseBeforeItBegins(String command, String option, String value, String wanted) {
        StringWriter said = new StringWriter();
        int status = Trainer.commandLine()
                .setErr(new PrintWriter(said))
                .execute((start(command) + option + "=" + value).split(" ", -1));
        assertThat(status).isEqualTo(2);
        assertThat(said.toString())
                .contains("Invalid value for option '%s': '%s' is not %s".formatted(option, value, wanted));
    }
}
