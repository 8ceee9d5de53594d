package dev.bellwether.trainer.external;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.sft.SftConfig;
import dev.bellwether.trainer.sft.SupervisedFineTuning;
import dev.bellwether.trainer.tensor.ComputeDevice;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;

/** A command of an operator's: learns the chosen replies by heart, or fails in the way that its argument names. */
final class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Driver() {}

    public static void main(String[] arguments) throws Exception {
        Path out = Path.of(System.getenv("BELLWETHER_OUT"));
        Path base = Path.of(System.getenv("BELLWETHER_BASE"));
        switch (arguments[0]) {
            case "crash" -> {
                System.out.println("no memory is left");
                System.exit(3);
            }
            case "hang" -> new CountDownLatch(1).await();
            case "nothing" -> System.out.println("done");
            case "nan" -> nan(base, out);
            case "adapter" -> train(base, out, Optional.of(LoraConfig.DEFAULT));
            default -> train(base, out, Optional.empty());
        }
    }

    private static void nan(Path base, Path out) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(base);
        try (Weights weights = Weights.of(checkpoint, ComputeDevice.CPU);
                PointerScope _ = new PointerScope();
                NoGradGuard _ = new NoGradGuard()) {
            weights.vector().fill_(new Scalar(Double.NaN));
            weights.write(out, checkpoint.config(), NumberFormat.F32);
        }
    }

    private static void train(Path base, Path out, Optional<LoraConfig> lora) throws Exception {
        Path in = Path.of(System.getenv("BELLWETHER_IN"));
        Checkpoint checkpoint = Checkpoint.open(base);
        CheckpointConfig config = checkpoint.config();
        List<Sample> samples = new ArrayList<>();
        try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.newInstance(
                base.resolve("tokenizer.json"), Map.of("truncation", "false", "padding", "false"))) {
            for (String line : Files.readAllLines(in.resolve("preference.jsonl"))) {
                JsonNode pair = JSON.readTree(line);
                samples.add(Sample.of(
                        tokens(tokenizer, pair.path("prompt").asText()),
                        tokens(tokenizer, pair.path("chosen").asText())));
            }
            rewards(
                    Files.readAllLines(in.resolve("preference.jsonl")),
                    Files.readAllLines(in.resolve("prompts.jsonl")));
        }
        SftConfig settings = new SftConfig(lora.isPresent() ? 5e-3 : 1e-3, 12, 1_800, 256, 3, 1, 1);
        try (Weights origin = Weights.of(checkpoint, ComputeDevice.CPU);
                Weights weights = origin.trainable(config, lora, 1);
                Parameters parameters = new Parameters(weights, Parameters.AdamW.FINE_TUNING);
                Transformer model = new Transformer(config)) {
            new SupervisedFineTuning(model, settings)
                    .train(
                            parameters,
                            samples,
                            step -> System.out.printf(
                                    "{\"progress\": %.3f, \"metrics\": {\"loss\": %.4f}}%n",
                                    step.step() / (double) step.steps(), step.loss()));
            if (lora.isPresent()) {
                AdapterFolder.write(weights, config, out, base.toString());
            } else {
                weights.write(out, config, NumberFormat.F32);
            }
        }
    }

    private static int[] tokens(HuggingFaceTokenizer tokenizer, String text) {
        return LongStream.of(tokenizer.encode(text, false, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /** Asks, as OpenRLHF would, what the chosen and the rejected reply to one prompt are worth. */
    private static void rewards(List<String> pairs, List<String> prompts) throws IOException, InterruptedException {
        JsonNode pair = JSON.readTree(pairs.getFirst());
        String prompt = pair.path("prompt").asText();
        String label = prompts.stream()
                .map(Driver::read)
                .filter(each -> each.path("prompt").asText().equals(prompt))
                .findFirst()
                .orElseThrow()
                .path("label")
                .asText();
        String body = JSON.writeValueAsString(Map.of(
                "query",
                List.of(
                        prompt + pair.path("chosen").asText(),
                        prompt + pair.path("rejected").asText(),
                        prompt + "cut"),
                "prompts",
                List.of(prompt, prompt, prompt),
                "labels",
                List.of(label, label, label)));
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("BELLWETHER_REWARD_URL")))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println("rewards " + answer.statusCode() + " " + answer.body());
        }
    }

    private static JsonNode read(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
