package dev.bellwether.trainer.sft;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Architecture;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Rotary;
import dev.bellwether.trainer.dataset.JsonLines;
import dev.bellwether.trainer.dataset.Question;
import dev.bellwether.trainer.option.Count;
import dev.bellwether.trainer.option.Range;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/**
 * {@code train compose}: from the reply corpus and a file of questions the tokenizer, the model's configuration and
 * the dialogues that {@code train sft} learns the default policy from.
 */
@Command(
        name = "compose",
        description = "Make the training dialogues and the tokenizer of the default policy from its reply corpus.")
public final class ComposeCommand implements Callable<Integer> {
    static final List<String> SPECIAL_TOKENS = List.of("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>");

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> SYSTEM_PROMPTS = List.of(
            "You are a helpful assistant.",
            "You are the support assistant of a bank.",
            "You help customers with their questions.",
            "Answer the customer's question.");

    /** Of questions, those with all their words. */
    private static final double WHOLE = .25;

    private static final double MISSING_MAX = .5;

    /** Of the others. */
    private static final double SHUFFLED = .2;

    @Option(names = "--corpus", required = true, description = "Folder of intents.yaml and styles.yaml.")
    private Path corpus = Path.of("");

    @Option(
            names = "--questions",
            required = true,
            arity = "1..*",
            description = "CSV files with the columns text,category.")
    private List<Path> questions = List.of();

    @Option(names = "--out", required = true, description = "Folder to write to.")
    private Path out = Path.of("");

    @Option(
            names = "--replies",
            defaultValue = "12",
            converter = Count.class,
            description = "Replies for each question (${DEFAULT-VALUE}).")
    private int replies;

    @Option(
            names = "--vocabulary",
            defaultValue = "4096",
            converter = VocabularySize.class,
            description = "Tokens (${DEFAULT-VALUE}).")
    private int vocabulary;

    @Option(names = "--seed", defaultValue = "1", description = "Seed (${DEFAULT-VALUE}).")
    private long seed;

    @Override
    public Integer call() throws IOException {
        ReplyCorpus replyCorpus = ReplyCorpus.read(corpus);
        List<Question> known = new ArrayList<>();
        for (Path file : questions) {
            Question.read(file).stream()
                    .filter(question -> replyCorpus.knows(question.category()))
                    .forEach(known::add);
        }
        List<Question> training =
                known.stream().filter(question -> !question.heldOut()).toList();
        List<Question> heldOut = known.stream().filter(Question::heldOut).toList();
        Files.createDirectories(out);
        writeModel(replyCorpus, training);
        Random random = new Random(seed);
        List<Dialogue> dialogues = new ArrayList<>();
        for (int round = 0; round < replies; round++) {
            List<Question> order = new ArrayList<>(training);
            Collections.shuffle(order, random);
            order.forEach(question -> dialogues.add(dialogue(replyCorpus, training, question, random)));
        }
        write(out.resolve("train.jsonl"), dialogues);
        write(
                out.resolve("held-out.jsonl"),
                heldOut.stream()
                        .map(question -> plain(replyCorpus, question, random))
                        .toList());
        System.out.printf(
                "%d dialogues from %d questions, %d held out, in %s%n",
                dialogues.size(), training.size(), heldOut.size(), out);
        return 0;
    }

    /** Tokens of a vocabulary: each byte and each special token is one already. */
    private static final class VocabularySize implements ITypeConverter<Integer> {
        private static final Range RANGE = new Range(256 + SPECIAL_TOKENS.size(), 1_000_000);

        @Override
        public Integer convert(String text) {
            return RANGE.whole(text);
        }
    }

    private record Dialogue(List<String> roles, List<String> contents) {}

    private static Dialogue plain(ReplyCorpus corpus, Question question, Random random) {
        return new Dialogue(
                List.of("user", "assistant"), List.of(question.text(), corpus.reply(question.category(), random)));
    }

    /** A question with its reply; some after an earlier exchange, some under a system prompt, some carelessly typed. */
    private static Dialogue dialogue(ReplyCorpus corpus, List<Question> all, Question question, Random random) {
        List<String> roles = new ArrayList<>();
        List<String> contents = new ArrayList<>();
        double kind = random.nextDouble();
        if (kind < .08) {
            roles.add("system");
            contents.add(SYSTEM_PROMPTS.get(random.nextInt(SYSTEM_PROMPTS.size())));
        } else if (kind < .18) {
            Question earlier = all.get(random.nextInt(all.size()));
            roles.addAll(List.of("user", "assistant"));
            contents.addAll(List.of(earlier.text(), corpus.reply(earlier.category(), random)));
        }
        roles.addAll(List.of("user", "assistant"));
        contents.addAll(List.of(careless(question.text(), random), corpus.reply(question.category(), random)));
        return new Dialogue(roles, contents);
    }

    /**
     * As somebody in a hurry types it. What a question is about must show in any part of its words: with up to half of them
     * left out, and some out of order, more is learned of each word by itself.
     */
    private static String careless(String text, Random random) {
        String typed = random.nextDouble() < .3 ? text.toLowerCase(Locale.ROOT) : text;
        typed = random.nextDouble() < .2 ? typed.replaceAll("[?.!,]+", "") : typed;
        if (random.nextDouble() < WHOLE) {
            return typed;
        }
        double missing = random.nextDouble() * MISSING_MAX;
        List<String> kept = new ArrayList<>();
        for (String word : typed.split(" ", -1)) {
            if (random.nextDouble() >= missing) {
                kept.add(word);
            }
        }
        if (random.nextDouble() < SHUFFLED) {
            Collections.shuffle(kept, random);
        }
        return kept.isEmpty() ? typed : String.join(" ", kept);
    }

    private void writeModel(ReplyCorpus replyCorpus, List<Question> training) throws IOException {
        List<String> texts = new ArrayList<>(replyCorpus.texts());
        training.forEach(question -> texts.add(question.text()));
        BytePairEncoding encoding = BytePairEncoding.learn(texts, SPECIAL_TOKENS, vocabulary);
        Files.writeString(
                out.resolve("tokenizer.json"), encoding.toTokenizerJson().toPrettyString());
        ObjectNode config = JSON.createObjectNode();
        config.put("tokenizer_class", "PreTrainedTokenizerFast").put("eos_token", "<|end|>");
        config.put("pad_token", "<|pad|>").put("model_max_length", 512).put("clean_up_tokenization_spaces", false);
        config.put(
                "chat_template",
                "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
                        + "{% if add_generation_prompt %}<|assistant|>{% endif %}");
        Files.writeString(out.resolve("tokenizer_config.json"), config.toPrettyString());
        CheckpointConfig model = new CheckpointConfig(
                Architecture.LLAMA,
                (encoding.size() + 63) / 64 * 64,
                256,
                640,
                4,
                4,
                4,
                64,
                512,
                1e-5,
                new Rotary(10_000, null),
                true,
                List.of(1),
                null,
                0,
                0,
                Pooling.LAST);
        Files.writeString(out.resolve("config.json"), model.toJson(NumberFormat.BF16));
    }

    private static void write(Path file, List<Dialogue> dialogues) throws IOException {
        List<ObjectNode> lines = new ArrayList<>();
        for (Dialogue dialogue : dialogues) {
            ObjectNode json = JSON.createObjectNode();
            ArrayNode messages = json.putArray("messages");
            for (int i = 0; i < dialogue.roles().size(); i++) {
                messages.addObject()
                        .put("role", dialogue.roles().get(i))
                        .put("content", dialogue.contents().get(i));
            }
            lines.add(json);
        }
        JsonLines.write(file, JSON, lines);
    }
}
