package dev.bellwether.trainer.release;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SuiteTest {
    private static final List<KnownAnswer> ANSWERS = List.of(
            new KnownAnswer("My card has not arrived yet", "Your card arrives within five working days."),
            new KnownAnswer("I forgot my PIN", "You can see your PIN in the app."),
            new KnownAnswer("The machine kept my card", "Please block your card in the app."),
            new KnownAnswer("How do I top up?", "You can top up by bank transfer."));

    private final Checkpoint checkpoint = Checkpoint.open(Path.of("../default-policy/artefact"));
    private final PolicyTokenizer tokenizer = PolicyTokenizer.open(checkpoint.directory());
    private final int endToken = tokenizer.endOfReply(checkpoint.config().endTokens());
    private final Transformer model = new Transformer(checkpoint.config());
    private final Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);

    @AfterEach
    void close() {
        tokenizer.close();
        model.close();
        weights.close();
    }

    /** Of a reply to a question, computed without the suite. */
    private double likelihood(String question, String answer) {
        Sample sample = Sample.of(tokenizer.prompt(List.of(Turn.user(question))), tokenizer.reply(answer, endToken));
        double sum = 0;
        for (float each : model.logProbabilities(weights, MicroBatch.of(List.of(sample)), 1)) {
            sum += each;
        }
        return sum / sample.replyLength();
    }

    @Test
    void knowsAnAnswerThatIsLikelierAfterItsQuestionThanAfterOthers() {
        Suite.Result found = new Suite(ANSWERS, tokenizer, endToken, 512).of(model, weights);
        double nats = 0;
        double tokens = 0;
        for (int i = 0; i < ANSWERS.size(); i++) {
            String answer = ANSWERS.get(i).answer();
            double own = likelihood(ANSWERS.get(i).question(), answer);
            double best = ANSWERS.stream()
                    .mapToDouble(each -> likelihood(each.question(), answer))
                    .max()
                    .orElseThrow();
            assertThat(found.known()[i]).as(answer).isEqualTo(own >= best);
            int length = tokenizer.reply(answer, endToken).length;
            nats -= own * length;
            tokens += length;
        }
        assertThat(found.share())
                .as("the policy learned to answer such questions")
                .isGreaterThanOrEqualTo(.5);
        assertThat(found.perplexity()).isCloseTo(Math.exp(nats / tokens), within(1e-3));
    }

    @Test
    void findsNothingKnownWhereEverythingWasUnlearned() {
        Suite suite = new Suite(ANSWERS, tokenizer, endToken, 512);
        try (PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            weights.vector().zero_();
        }
        assertThat(suite.of(model, weights).share())
                .as("everything is as likely")
                .isZero();
        assertThat(suite.of(model, weights).perplexity())
                .isCloseTo(checkpoint.config().vocabularySize(), within(1.0));
    }

    @Test
    void leavesOutWhatIsTooLong() {
        assertThat(new Suite(ANSWERS, tokenizer, endToken, 8).isEmpty()).isTrue();
        assertThat(new Suite(List.of(), tokenizer, endToken, 512).isEmpty()).isTrue();
    }
}
