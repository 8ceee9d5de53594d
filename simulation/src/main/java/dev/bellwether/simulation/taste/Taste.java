package dev.bellwether.simulation.taste;

import dev.bellwether.simulation.file.TextFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What customers like, and how they say it.
 *
 * @param reactionRate share of replies that get any judgement
 * @param flipRate share of judgements that say the opposite
 * @param temperature how sharply satisfaction decides; the smaller, the sharper
 */
public record Taste(double reactionRate, double flipRate, double temperature, List<Rule> rules) {
    public Taste {
        if (!(reactionRate >= 0 && reactionRate <= 1)) {
            throw new IllegalArgumentException("reaction_rate must be 0 to 1, is " + reactionRate);
        }
        if (!(flipRate >= 0 && flipRate <= 1)) {
            throw new IllegalArgumentException("flip_rate must be 0 to 1, is " + flipRate);
        }
        if (!(temperature > 0) || !Double.isFinite(temperature)) {
            throw new IllegalArgumentException("temperature must be above 0, is " + temperature);
        }
        rules = List.copyOf(rules);
    }

    /**
     * Reads a taste in YAML.
     *
     * @throws IOException naming the file, and the key or rule that is wrong
     */
    public static Taste read(Path file) throws IOException {
        return parse(file.toString(), new TextFile(file, "a YAML file with a taste").read());
    }

    /** Reads a taste from {@code yaml}; {@code name} is for messages. */
    public static Taste parse(String name, String yaml) throws IOException {
        try {
            return TasteYaml.parse(yaml);
        } catch (IOException | IllegalArgumentException e) {
            throw new IOException("%s: %s".formatted(name, e.getMessage()), e);
        }
    }

    /** Whether a rule asks for replies on topic. */
    public boolean asksForFacts() {
        return rules.stream().anyMatch(rule -> rule instanceof Rule.OnTopic && rule.score() != 0);
    }

    /** Sum of the scores of {@code reply} to a question of {@code category}. */
    public double score(String category, String reply, Facts facts) {
        return rules.stream()
                .mapToDouble(rule -> rule.score(category, reply, facts))
                .sum();
    }
}
