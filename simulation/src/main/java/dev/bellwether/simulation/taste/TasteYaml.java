package dev.bellwether.simulation.taste;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** A taste as it is written in YAML. */
final class TasteYaml {
    private static final ObjectMapper YAML = YAMLMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();
    private static final List<String> KEYS = List.of("reaction_rate", "flip_rate", "temperature", "rules");
    private static final String KNOWN_RULES =
            "{on_topic: S}, {words: [LEAST, MOST], score: S}, {matches: PATTERN, score: S}, {score: S}";

    private TasteYaml() {}

    static Taste parse(String yaml) throws IOException {
        JsonNode json = tree(yaml);
        for (String key : keys(json)) {
            if (!KEYS.contains(key)) {
                throw new IOException("unknown key '%s'; known are %s".formatted(key, String.join(", ", KEYS)));
            }
        }
        if (!json.path("rules").isArray()) {
            throw new IOException("'rules' must be a list; known rules are " + KNOWN_RULES);
        }
        List<Rule> rules = new ArrayList<>();
        for (JsonNode rule : json.path("rules")) {
            try {
                rules.add(rule(rule));
            } catch (IOException | IllegalArgumentException e) {
                throw new IOException("rule %d: %s".formatted(rules.size() + 1, e.getMessage()), e);
            }
        }
        return new Taste(number(json, "reaction_rate"), number(json, "flip_rate"), number(json, "temperature"), rules);
    }

    private static JsonNode tree(String yaml) throws IOException {
        try {
            JsonNode json = YAML.readTree(yaml);
            if (!json.isObject()) {
                throw new IOException("a taste is a YAML map with the keys " + String.join(", ", KEYS));
            }
            return json;
        } catch (JacksonException e) {
            throw new IOException("not YAML: " + e.getOriginalMessage(), e);
        }
    }

    private static Set<String> keys(JsonNode json) {
        Set<String> keys = new TreeSet<>();
        json.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    private static Rule rule(JsonNode rule) throws IOException {
        Set<String> keys = keys(rule);
        if (keys.equals(Set.of("on_topic"))) {
            return new Rule.OnTopic(number(rule, "on_topic"));
        }
        if (keys.equals(Set.of("words", "score"))) {
            JsonNode range = rule.path("words");
            if (range.size() != 2 || !range.path(0).isInt() || !range.path(1).isInt()) {
                throw new IOException("'words' must be a range such as [12, 45], is " + range);
            }
            return new Rule.Words(range.path(0).asInt(), range.path(1).asInt(), number(rule, "score"));
        }
        if (keys.equals(Set.of("matches", "score"))) {
            return new Rule.Matches(pattern(rule.path("matches")), number(rule, "score"));
        }
        if (keys.equals(Set.of("score"))) {
            return new Rule.Always(number(rule, "score"));
        }
        throw new IOException("unknown rule %s; known are %s".formatted(rule, KNOWN_RULES));
    }

    private static Pattern pattern(JsonNode text) throws IOException {
        if (!text.isTextual()) {
            throw new IOException("'matches' must be a regular expression in quotes, is " + text);
        }
        try {
            return Pattern.compile(text.asText());
        } catch (PatternSyntaxException e) {
            throw new IOException(
                    "'%s' is not a regular expression: %s".formatted(text.asText(), e.getDescription()), e);
        }
    }

    private static double number(JsonNode json, String key) throws IOException {
        JsonNode value = json.path(key);
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw new IOException("'%s' must be a number%s"
                    .formatted(key, value.isMissingNode() ? "; it is missing" : ", is " + value));
        }
        return value.asDouble();
    }
}
