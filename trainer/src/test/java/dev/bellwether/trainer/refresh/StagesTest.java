package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.PolicyTraining;
import dev.bellwether.trainer.reward.Savepoint;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagesTest {
    @TempDir
    private Path directory = Path.of("");

    private final Checkpoint checkpoint = Checkpoint.open(Path.of("../policy/src/test/resources/reference/llama-tied"));
    private final Counting training = new Counting(checkpoint);

    /** Each step adds 1 to every weight. */
    private static final class Counting implements PolicyTraining {
        private final Parameters parameters;

        private Counting(Checkpoint checkpoint) {
            Weights weights =
                    Weights.of(checkpoint, ComputeDevice.CPU).trainable(checkpoint.config(), Optional.empty(), 1);
            parameters = new Parameters(weights, Parameters.AdamW.PPO);
            add(-firstWeight());
        }

        private void add(double number) {
            try (PointerScope _ = new PointerScope();
                    NoGradGuard _ = new NoGradGuard()) {
                parameters.weights().vector().add_(new Scalar(number));
            }
        }

        private double firstWeight() {
            return parameters.weights().toArray()[0];
        }

        @Override
        public int steps() {
            return 9;
        }

        @Override
        public Map<String, Double> step(int step) {
            add(1);
            return Map.of();
        }

        @Override
        public Map<String, Double> outcome() {
            return Map.of();
        }

        @Override
        public boolean exceededBy(Map<String, Double> metrics) {
            return false;
        }

        @Override
        public List<Parameters> trained() {
            return List.of(parameters);
        }

        @Override
        public void close() {
            parameters.close();
        }
    }

    @AfterEach
    void close() {
        training.close();
    }

    private void step(Stages stages, int step) throws IOException {
        training.step(step);
        stages.savePolicy(training, step + 1);
    }

    @Test
    void goesOnBehindAnUpdateThatIsUndone() throws IOException {
        Stages stages = new Stages(directory);
        stages.savePolicy(training, 0);
        step(stages, 0);
        step(stages, 1);
        training.step(2);
        stages.undoPolicy(training, 2);
        assertThat(training.firstWeight()).as("as it was before step 1").isEqualTo(1);
        training.step(3);
        assertThat(stages.restorePolicy(training))
                .as("whoever resumes goes on there too")
                .isEqualTo(3);
        assertThat(training.firstWeight()).isEqualTo(1);
        training.step(3);
        stages.undoPolicy(training, 3);
        assertThat(training.firstWeight()).as("nothing before that is kept").isEqualTo(1);
        assertThat(stages.restorePolicy(training)).isEqualTo(4);
    }

    /** Killed when it had saved where it goes on, and had not deleted what is undone. */
    @Test
    void undoesTheSameWhenItWasKilledAsItUndid() throws IOException {
        Stages stages = new Stages(directory);
        stages.savePolicy(training, 0);
        step(stages, 0);
        step(stages, 1);
        byte[] before = Files.readAllBytes(directory.resolve("policy-00001"));
        training.step(2);
        assertThat(stages.undoPolicy(training, 2)).isTrue();
        Files.write(directory.resolve("policy-00001"), before);
        assertThat(stages.restorePolicy(training)).isEqualTo(3);
        training.step(3);
        assertThat(stages.undoPolicy(training, 3))
                .as("nothing stands before it")
                .isFalse();
        assertThat(training.firstWeight()).isEqualTo(1);
    }

    @Test
    void staysAtTheBeginningWhereThatIsOutOfBounds() throws IOException {
        Stages stages = new Stages(directory);
        stages.savePolicy(training, 0);
        training.step(0);
        stages.undoPolicy(training, 0);
        assertThat(training.firstWeight()).isZero();
        assertThat(stages.restorePolicy(training)).isEqualTo(1);
    }

    @Test
    void takesTheStateBeforeOneThatIsDamaged() throws IOException {
        Stages stages = new Stages(directory);
        step(stages, 0);
        step(stages, 1);
        Path last = directory.resolve("policy-00002");
        byte[] bytes = Files.readAllBytes(last);
        bytes[bytes.length / 2] ^= 1;
        Files.write(last, bytes);
        assertThat(stages.restorePolicy(training)).isEqualTo(1);
        assertThat(training.firstWeight()).isEqualTo(1);
    }

    @Test
    void keepsWhereATrainingInsideAStageStandsUntilItsEnd() throws IOException {
        Stages stages = new Stages(directory);
        Parameters parameters = training.trained().getFirst();
        assertThat(stages.savepoint("reward").restore(parameters)).isEmpty();
        training.step(0);
        parameters.resumeAfter(7);
        Savepoint savepoint = stages.savepoint("reward");
        assertThat(savepoint.due())
                .as("nothing was done yet that would be lost")
                .isFalse();
        savepoint.save(parameters, .5, -3);
        training.step(1);
        parameters.resumeAfter(8);
        assertThat(stages.savepoint("judge").restore(parameters)).isEmpty();
        assertThat(stages.savepoint("reward").restore(parameters)).hasValue(new double[] {.5, -3});
        assertThat(training.firstWeight()).isEqualTo(1);
        assertThat(parameters.steps()).isEqualTo(7);
        stages.deleteSavepoint("reward");
        assertThat(stages.savepoint("reward").restore(parameters)).isEmpty();
        savepoint.save(parameters, .5);
        stages.delete();
        assertThat(directory).isEmptyDirectory();
    }
}
