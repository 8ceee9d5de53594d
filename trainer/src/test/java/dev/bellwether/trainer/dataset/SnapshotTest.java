package dev.bellwether.trainer.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Event;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.PreferencePair.Response;
import dev.bellwether.event.Source;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SnapshotTest {
    private static PreferencePair pair(int promptWords) {
        return pair("pair-" + promptWords, promptWords, 0);
    }

    private static PreferencePair pair(String id, int promptWords, long time) {
        return new PreferencePair(
                Event.SCHEMA,
                id,
                "support",
                List.of(new Message("user", "card ".repeat(promptWords))),
                new Response("Here it is.", "a", "default", 0),
                new Response("No.", "a", "default", 1),
                Origin.DUEL,
                1,
                List.of("mia"),
                Source.END_USER,
                "conversation",
                time);
    }

    @Test
    void leavesOutWhatIsTooLongToTrainOnAndPromptsWithoutRoomForAReply() {
        Snapshot snapshot = Snapshot.of(List.of(pair(5), pair(200), pair(400)), List.of());
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Snapshot.Tokens tokens = snapshot.new Tokens(tokenizer, 1, 256);
            assertThat(tokens.comparisons()).hasSize(2);
            assertThat(tokens.prompts(96)).hasSize(1);
            assertThat(tokens.prompts(20)).hasSize(2);
        }
    }

    @Test
    void hearsOnePersonTwentyTimesADayAndNotMoreThanTheirShareOfAll() {
        List<PreferencePair> oneDay = new ArrayList<>();
        List<PreferencePair> manyDays = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            oneDay.add(pair("pair-%03d".formatted(i), 1, i));
            manyDays.add(pair("pair-%03d".formatted(i), 1, Duration.ofDays(i).toMillis()));
        }
        assertThat(Snapshot.of(oneDay, List.of()).pairs()).hasSize(20);
        assertThat(Snapshot.of(manyDays, List.of()).pairs()).hasSize(20);
    }

    @Test
    void endsEveryReplyWithTheEndToken() {
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(Path.of("../default-policy/artefact"))) {
            Sample chosen = Snapshot.of(List.of(pair(1)), List.of()).new Tokens(tokenizer, 9, 256)
                    .comparisons()
                    .getFirst()
                    .chosen();
            assertThat(chosen.tokens()[chosen.length() - 1]).isEqualTo(9);
            assertThat(chosen.replyLength()).isEqualTo(tokenizer.encode("Here it is.").length + 1);
        }
    }
}
