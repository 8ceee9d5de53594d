package dev.bellwether.policy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.policy.prompt.PolicyTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** With the default policy's tokenizer, by whose tokens letters of other scripts come in several pieces. */
class ReplyTextTest {
    private static final PolicyTokenizer TOKENIZER = PolicyTokenizer.open(Path.of("../default-policy/artefact"));
    private static final List<String> PIECES = List.of(
            "card", " ", "Gebühr", "žluťoučký", "卡", "💳", "👩‍👧", "\n", "STOP", "ST", "OP", "x", "é", "привет");

    @AfterAll
    static void close() {
        TOKENIZER.close();
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i >= 0; i--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    private static String arrived(int[] tokens, List<String> stops) {
        ReplyText reply = new ReplyText(TOKENIZER, stops);
        StringBuilder arrived = new StringBuilder();
        for (int token : tokens) {
            String piece = reply.append(token);
            assertThat(piece).doesNotContain("\uFFFD");
            arrived.append(piece);
            if (reply.stopped()) {
                assertThat(reply.end()).isEmpty();
                return arrived.toString();
            }
        }
        return arrived.append(reply.end()).toString();
    }

    @Test
    void arrivesWholeAndInWholeCharacters() {
        Random random = new Random(1);
        for (int i = 0; i < 500; i++) {
            String text = text(random);
            assertThat(arrived(TOKENIZER.encode(text), List.of())).isEqualTo(text);
        }
    }

    @Test
    void isCutBeforeTheFirstStopSequenceHoweverItsTokensLie() {
        Random random = new Random(2);
        int cut = 0;
        for (int i = 0; i < 500; i++) {
            String text = text(random);
            int at = text.indexOf("STOP");
            cut += at >= 0 ? 1 : 0;
            assertThat(arrived(TOKENIZER.encode(text), List.of("STOP", "")))
                    .isEqualTo(at < 0 ? text : text.substring(0, at));
        }
        assertThat(cut).isBetween(100, 400);
    }

    /** At the longest length a reply may end in the middle of a character. */
    @Test
    void endsBeforeACharacterThatIsCutOff() {
        for (String text : List.of("a💳", "no 卡", "žluťoučký💳")) {
            int[] tokens = TOKENIZER.encode(text);
            for (int length = 0; length <= tokens.length; length++) {
                String arrived = arrived(Arrays.copyOf(tokens, length), List.of());
                assertThat(text).startsWith(arrived);
                assertThat(arrived).doesNotContain("\uFFFD");
            }
        }
    }
}
