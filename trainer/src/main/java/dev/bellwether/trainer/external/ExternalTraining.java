package dev.bellwether.trainer.external;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.engine.RewardScorer.Score;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.trainer.dataset.JsonLines;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.external.RewardEndpoint.Query;
import dev.bellwether.trainer.model.AdapterFolder;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.objective.PpoConfig;
import dev.bellwether.trainer.reward.RewardModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Hands the middle of a refresh, from the reward model to the candidate, to a command of the operator's.
 *
 * <p>It is given a folder with {@code prompts.jsonl}, {@code preference.jsonl} and {@code unary.jsonl} in TRL's forms,
 * texts as the model reads them, {@code settings.json}, and the reward model as an endpoint. It gives back a folder of a
 * Hugging Face checkpoint of the base's shape, or of a PEFT adapter of the base. What people wrote is deleted when it ends.
 */
public final class ExternalTraining {
    private static final String FOLDER = "external";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ExternalConfig config;
    private final PpoConfig settings;
    private final Bounds bounds;
    private final Path directory;
    private final Checkpoint origin;

    /**
     * What the command may learn from.
     *
     * @param prompts whose numbers are the labels
     */
    public record Evidence(List<int[]> prompts, Judgements judgements) {}

    /**
     * What a command need not keep to, and does well to know.
     *
     * @param klBudget nats a reply from the base, beyond which the release gate refuses it
     * @param seed of the refresh
     * @param champion folder of the version that it has to be better than
     * @param lora the bot's adapters; none where all weights are trained
     */
    public record Bounds(double klBudget, long seed, Path champion, Optional<LoraConfig> lora) {}

    /**
     * @param refresh folder of the refresh
     * @param origin what training starts from
     */
    public ExternalTraining(ExternalConfig config, PpoConfig settings, Bounds bounds, Path refresh, Checkpoint origin) {
        this.config = config;
        this.settings = settings;
        this.bounds = bounds;
        this.directory = refresh.resolve(FOLDER);
        this.origin = origin;
    }

    /**
     * Runs the command.
     *
     * @param base the origin's weights
     * @return what it made, all weights or adapters over {@code base}, the caller's to close
     * @throws ExternalTrainingException when it gives nothing that can be taken
     */
    public Weights run(
            Evidence evidence, Weights base, RewardModel reward, BiConsumer<Double, Map<String, Double>> progress)
            throws IOException {
        if (origin.adapter().isPresent()) {
            throw new ExternalTrainingException(
                    "%s, which training starts from, holds adapters, and a command is given whole weights; name a version with weights as the bot's champion in bots.yaml"
                            .formatted(origin.directory()));
        }
        ExternalProcess.endAll(Attempt.prefix(directory));
        try (PolicyTokenizer tokenizer = PolicyTokenizer.open(origin.directory());
                RewardEndpoint endpoint =
                        new RewardEndpoint(config, queries -> rewards(reward, tokenizer, evidence.prompts(), queries));
                Attempt attempt = Attempt.begin(directory)) {
            write(attempt, evidence, tokenizer);
            Map<String, String> environment = Map.of(
                    "BELLWETHER_IN", attempt.in().toString(),
                    "BELLWETHER_BASE", origin.directory().toAbsolutePath().toString(),
                    "BELLWETHER_REWARD_URL", endpoint.url());
            CommandOutput output = new CommandOutput(attempt.log(), progress);
            new ExternalProcess(config, attempt, output).run(directory, environment);
            return taken(attempt.out(), base);
        }
    }

    /** Deletes what people wrote and commands were given whose trainers do not live, in the folder of a refresh. */
    public static void deleteInput(Path refresh) throws IOException {
        Attempt.deleteInputs(refresh.resolve(FOLDER));
    }

    /** Deletes what commands left in the folder of a refresh, but what they said. */
    public static void delete(Path refresh) throws IOException {
        Attempt.deleteAll(refresh.resolve(FOLDER));
    }

    private void write(Attempt attempt, Evidence evidence, PolicyTokenizer tokenizer) throws IOException {
        Path in = attempt.in();
        List<ObjectNode> prompts = new ArrayList<>();
        for (int i = 0; i < evidence.prompts().size(); i++) {
            prompts.add(JSON.createObjectNode()
                    .put("prompt", tokenizer.written(evidence.prompts().get(i)))
                    .put("label", Integer.toString(i)));
        }
        List<ObjectNode> preferences = evidence.judgements().comparisons().stream()
                .map(each -> JSON.createObjectNode()
                        .put("prompt", tokenizer.written(each.chosen().prompt()))
                        .put("chosen", tokenizer.written(each.chosen().reply()))
                        .put("rejected", tokenizer.written(each.rejected().reply())))
                .toList();
        List<ObjectNode> unary = evidence.judgements().votes().stream()
                .map(each -> JSON.createObjectNode()
                        .put("prompt", tokenizer.written(each.reply().prompt()))
                        .put("completion", tokenizer.written(each.reply().reply()))
                        .put("label", each.up()))
                .toList();
        JsonLines.write(in.resolve("prompts.jsonl"), JSON, prompts);
        JsonLines.write(in.resolve("preference.jsonl"), JSON, preferences);
        JsonLines.write(in.resolve("unary.jsonl"), JSON, unary);
        ObjectNode json = JSON.createObjectNode()
                .put("base", origin.directory().toAbsolutePath().toString())
                .put("out", attempt.out().toString())
                .put("steps", settings.steps())
                .put("rollouts", settings.rollouts())
                .put("temperature", settings.temperature())
                .put("completion_tokens_max", settings.completionTokensMax())
                .put("learning_rate", settings.update().learningRate())
                .put("kl_penalty", settings.reward().klPenalty())
                .put("kl_budget", bounds.klBudget())
                .put("seed", bounds.seed())
                .put("champion", bounds.champion().toAbsolutePath().toString());
        bounds.lora().ifPresent(lora -> json.putPOJO("lora", lora));
        Files.writeString(in.resolve("settings.json"), json.toPrettyString());
    }

    /** As PPO would be rewarded: heads' mean less what their spread costs, bounded, and less where no end came. */
    private List<Double> rewards(
            RewardModel reward, PolicyTokenizer tokenizer, List<int[]> prompts, List<Query> queries) {
        List<Sample> samples = new ArrayList<>();
        List<Boolean> ended = new ArrayList<>();
        for (Query query : queries) {
            if (query.prompt() >= prompts.size()) {
                throw new IllegalArgumentException(
                        "there is no prompt %d; the last is %d".formatted(query.prompt(), prompts.size() - 1));
            }
            Ended reply = Ended.of(query.reply(), tokenizer, origin.config());
            int[] tokens = reply.ended() || reply.text().isEmpty()
                    ? tokenizer.reply(
                            reply.text(), tokenizer.endOfReply(origin.config().endTokens()))
                    : tokenizer.encode(reply.text());
            Sample sample = Sample.of(prompts.get(query.prompt()), tokens);
            if (sample.length() > origin.config().positionsMax()) {
                throw new IllegalArgumentException("prompt %d and its reply have %d tokens, the model reads %d"
                        .formatted(
                                query.prompt(), sample.length(), origin.config().positionsMax()));
            }
            samples.add(sample);
            ended.add(reply.ended());
        }
        List<Score> scores = reward.score(samples);
        List<Double> rewards = new ArrayList<>();
        for (int i = 0; i < scores.size(); i++) {
            rewards.add(settings.reward().of(scores.get(i), ended.get(i)));
        }
        return rewards;
    }

    /** A reply without the control tokens behind it. */
    private record Ended(String text, boolean ended) {
        static Ended of(String reply, PolicyTokenizer tokenizer, CheckpointConfig config) {
            List<String> ends = config.endTokens().stream()
                    .map(token -> tokenizer.written(new int[] {token}))
                    .filter(text -> !text.isEmpty())
                    .toList();
            String pad = tokenizer.written(new int[] {config.padToken()});
            String text = reply;
            boolean ended = false;
            boolean found = true;
            while (found) {
                found = false;
                for (String end : ends) {
                    if (text.endsWith(end)) {
                        text = text.substring(0, text.length() - end.length());
                        ended = true;
                        found = true;
                    }
                }
                if (!pad.isEmpty() && text.endsWith(pad)) {
                    text = text.substring(0, text.length() - pad.length());
                    found = true;
                }
            }
            return new Ended(text, ended);
        }
    }

    private Weights taken(Path out, Weights base) {
        try {
            if (Files.exists(out.resolve("adapter_config.json"))) {
                return AdapterFolder.read(base, origin.config(), out);
            }
            Checkpoint made = Checkpoint.open(out);
            if (!made.config().tensors().equals(origin.config().tensors())) {
                throw new ExternalTrainingException("what it left in %s is a model of another shape than its base %s"
                        .formatted(out, origin.directory()));
            }
            return Weights.of(made, base.device());
        } catch (UnsupportedCheckpointException e) {
            throw new ExternalTrainingException(
                    "what it left in %s cannot be taken: %s".formatted(out, e.getMessage()), e);
        }
    }
}
