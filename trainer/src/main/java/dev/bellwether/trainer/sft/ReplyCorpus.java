package dev.bellwether.trainer.sft;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The bank's answers, one {@link Intent} for each kind of question, and the styles in which they are given, good and
 * poor.
 */
public final class ReplyCorpus {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private final Map<String, Intent> intents;
    private final Map<String, Style> styles;

    /** What is said on one kind of question; {@code facts} are phrases of which an on-topic reply holds one. */
    record Intent(
            List<String> facts,
            List<String> answers,
            List<String> actions,
            List<String> steps,
            String formal,
            String ask) {}

    /** A way of answering: its share of the corpus and the frames that an intent's sentences are put into. */
    record Style(@JsonProperty("good") boolean good, double weight, List<String> frames) {}

    private ReplyCorpus(Map<String, Intent> intents, Map<String, Style> styles) {
        this.intents = intents;
        this.styles = styles;
    }

    /** Reads {@code intents.yaml} and {@code styles.yaml} of {@code directory}. */
    public static ReplyCorpus read(Path directory) throws IOException {
        return new ReplyCorpus(
                YAML.readValue(directory.resolve("intents.yaml").toFile(), new TypeReference<>() {}),
                YAML.readValue(directory.resolve("styles.yaml").toFile(), new TypeReference<>() {}));
    }

    Map<String, Intent> intents() {
        return intents;
    }

    Map<String, Style> styles() {
        return styles;
    }

    public boolean knows(String intent) {
        return intents.containsKey(intent);
    }

    /** A reply to a question of {@code intent}, its style drawn by weight. */
    String reply(String intent, RandomGenerator random) {
        Intent known = intents.get(intent);
        if (known == null) {
            throw new IllegalArgumentException("the corpus has no intent '%s'".formatted(intent));
        }
        double total = styles.values().stream().mapToDouble(Style::weight).sum();
        double at = random.nextDouble() * total;
        for (Style style : styles.values()) {
            at -= style.weight();
            if (at < 0) {
                return compose(known, style, random);
            }
        }
        throw new IllegalStateException("styles have no weight");
    }

    private static String compose(Intent intent, Style style, RandomGenerator random) {
        List<String> steps = intent.steps();
        return pick(style.frames(), random)
                .replace("{answer}", pick(intent.answers(), random))
                .replace("{action}", pick(intent.actions(), random))
                .replace("{formal}", intent.formal())
                .replace("{ask}", intent.ask())
                .replace(
                        "{steps}",
                        "First, %s. Then %s. Finally, %s.".formatted(steps.get(0), steps.get(1), steps.get(2)));
    }

    private static String pick(List<String> options, RandomGenerator random) {
        return options.get(random.nextInt(options.size()));
    }

    /** Whether {@code reply} holds one of the facts of {@code intent}. */
    public boolean onTopic(String intent, String reply) {
        Intent known = intents.get(intent);
        String text = reply.toLowerCase(Locale.ROOT);
        return known != null && known.facts().stream().anyMatch(text::contains);
    }

    /** Whether {@code reply} is given in one of the poor styles, on topic or not. */
    public boolean deliberatelyPoor(String reply) {
        return styles.values().stream()
                .filter(style -> !style.good())
                .flatMap(style -> style.frames().stream())
                .anyMatch(frame -> pattern(frame).matcher(reply).matches());
    }

    private static Pattern pattern(String frame) {
        return Pattern.compile("\\Q" + frame.replaceAll("\\{\\w+}", "\\\\E.+\\\\Q") + "\\E");
    }

    /** Every sentence and frame once, for the tokenizer to learn from. */
    List<String> texts() {
        return Stream.concat(
                        intents.values().stream()
                                .flatMap(intent -> Stream.of(
                                                intent.answers(),
                                                intent.actions(),
                                                intent.steps(),
                                                List.of(intent.formal(), intent.ask()))
                                        .flatMap(List::stream)),
                        styles.values().stream().flatMap(style -> style.frames().stream()))
                .toList();
    }
}
