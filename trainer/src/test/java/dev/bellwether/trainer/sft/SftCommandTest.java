package dev.bellwether.trainer.sft;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.trainer.dataset.DialogueFile;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A tiny model of random weights. */
class SftCommandTest {
    @TempDir
    private Path directory = Path.of("");

    private Path base = Path.of("");
    private Path dialogues = Path.of("");

    @BeforeEach
    void begin() throws IOException {
        base = Files.createDirectories(directory.resolve("base"));
        CheckpointFiles.copyTokenizer(Path.of("../default-policy/artefact"), base);
        Files.writeString(base.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 4096, "hidden_size": 32, "intermediate_size": 64,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
                 "max_position_embeddings": 256, "bos_token_id": 3, "eos_token_id": 1, "tie_word_embeddings": true}
                """);
        CheckpointConfig config = CheckpointConfig.read(base);
        try (Weights weights = Weights.random(config, 1, ComputeDevice.CPU)) {
            weights.write(base, config, NumberFormat.BF16);
        }
        dialogues = Files.writeString(directory.resolve("dialogues.jsonl"), """
                {"messages": [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}]}
                """);
    }

    private Path trained(String... options) {
        Path out = directory.resolve("out");
        List<String> arguments = new ArrayList<>(List.of(
                "--base", base.toString(),
                "--data", dialogues.toString(),
                "--held-out", dialogues.toString(),
                "--out", out.toString(),
                "--device", "cpu"));
        arguments.addAll(List.of(options));
        assertThat(new CommandLine(new SftCommand()).execute(arguments.toArray(String[]::new)))
                .isZero();
        return out;
    }

    @Test
    void trainsAdaptersAsItIsTold() throws IOException {
        Path out = trained("--kind", "lora", "--rank", "4", "--alpha", "12", "--targets", "q_proj,down_proj");
        JsonNode config = new ObjectMapper()
                .readTree(out.resolve("adapter/adapter_config.json").toFile());
        assertThat(config.path("r").asInt()).isEqualTo(4);
        assertThat(config.path("lora_alpha").asDouble()).isEqualTo(12);
        assertThat(config.path("target_modules")).hasSize(2);
        assertThat(Checkpoint.open(out).adapter())
                .as("the checkpoint has them merged")
                .isEmpty();
        assertThat(out.resolve("model.safetensors")).exists();
    }

    /** One dialogue, again and again: it says that in the end, and the pass that knows it best stays. */
    @Test
    void saysHowMuchOfWhatWasHeldOutItSays() {
        PrintStream before = System.out;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, UTF_8));
        try {
            trained("--epochs", "200", "--learning-rate", "0.01");
        } finally {
            System.setOut(before);
        }
        assertThat(said.toString(UTF_8)).containsPattern("perplexity 1[.]\\d\\d, after pass \\d+ of 200");
        assertThat(said.toString(UTF_8)).contains("1 held-out replies, the likeliest ones: BLEU 100.0, ROUGE-L 1.000");
    }

    /** What is learned is not what is held out: it is known less, sooner or later. */
    @Test
    void keepsThePassWithTheLeastLoss() throws IOException {
        CheckpointConfig config = CheckpointConfig.read(base);
        try (Weights weights = Weights.of(Checkpoint.open(base), ComputeDevice.CPU);
                Transformer model = new Transformer(config);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING);
                PolicyTokenizer tokenizer = PolicyTokenizer.open(base)) {
            List<Sample> learned =
                    DialogueFile.read(dialogues, tokenizer, 1, 64).samples();
            List<Sample> other = List.of(Sample.of(learned.getFirst().prompt(), new int[] {900, 901, 1}));
            SupervisedFineTuning training = new SupervisedFineTuning(model, new SftConfig(.02, 40, 1_800, 64, 0, 1, 1));
            List<Double> losses = new ArrayList<>();
            SupervisedFineTuning.Best best =
                    training.train(parameters, learned, other, _ -> losses.add(training.evaluate(weights, other)));
            assertThat(losses).hasSize(40);
            assertThat(best.loss())
                    .isEqualTo(losses.stream().min(Double::compare).orElseThrow());
            assertThat(best.loss()).isLessThan(losses.getLast());
            assertThat(best.pass()).isEqualTo(losses.indexOf(best.loss()) + 1);
            assertThat(training.evaluate(weights, other)).isEqualTo(best.loss());
        }
    }

    @Test
    void trainsAllWeightsOfASmallModel() {
        Path out = trained();
        assertThat(out.resolve("adapter")).doesNotExist();
        assertThat(Checkpoint.open(out).parameters())
                .isNotEqualTo(Checkpoint.open(base).parameters());
    }
}
