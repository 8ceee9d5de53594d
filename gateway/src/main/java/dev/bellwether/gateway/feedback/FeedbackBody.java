package dev.bellwether.gateway.feedback;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Rating;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.gateway.http.JsonFields;
import dev.bellwether.gateway.http.JsonFields.Naming;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The body of a judgement, checked: which reply it is about and what it says. */
record FeedbackBody(int choice, FeedbackSignal signal) {
    private static final int TEXT_MAX = 8_000;
    private static final List<String> KINDS =
            List.of("thumb", "rating", "preference", "ranking", "edit", "flag", "signal");
    private static final List<String> FLAGS = List.of("harmful", "biased", "private", "wrong");
    private static final List<String> SIGNALS =
            List.of("regenerated", "copied", "escalated", "resolved", "abandoned", "shown");

    /**
     * Reads a judgement of an interaction with {@code replies} replies.
     *
     * @param reasons what thumbs of this bot may be explained with
     */
    static FeedbackBody parse(ObjectNode json, int replies, List<String> reasons) {
        JsonFields fields = JsonFields.of(json, "", Naming.POINTER);
        FeedbackSignal signal = switch (fields.oneOf("kind", KINDS)) {
            case "thumb" -> thumb(fields, reasons);
            case "rating" -> rating(fields);
            case "preference" -> new Preference(outcome(only(fields, "chosen"), replies));
            case "ranking" -> new Ranking(order(only(fields, "order"), replies));
            case "edit" -> edit(only(fields, "text"));
            case "flag" -> new Flag(only(fields, "category", "comment").oneOf("category", FLAGS), comment(fields));
            default -> new Signal(only(fields, "name").oneOf("name", SIGNALS));
        };
        boolean judgesAll = signal instanceof Preference || signal instanceof Ranking;
        int choice = fields.integer("choice", 0, replies - 1).orElse(0);
        if (judgesAll && choice != 0) {
            throw fields.refusal("choice", "This kind judges all replies; leave 'choice' out.");
        }
        return new FeedbackBody(choice, signal);
    }

    private static JsonFields only(JsonFields fields, String... own) {
        Set<String> known = new TreeSet<>(List.of(own));
        known.addAll(List.of("kind", "choice"));
        fields.only(known);
        return fields;
    }

    private static Thumb thumb(JsonFields fields, List<String> reasons) {
        only(fields, "value", "reasons", "comment");
        boolean up = fields.oneOf("value", List.of("up", "down")).equals("up");
        return new Thumb(up, reasons(fields, reasons), comment(fields));
    }

    private static Rating rating(JsonFields fields) {
        only(fields, "value", "comment");
        int stars = fields.integer("value", 1, 5)
                .orElseThrow(() -> fields.refusal("value", "A rating needs a 'value' from 1 to 5."));
        return new Rating(stars, comment(fields));
    }

    private static Edit edit(JsonFields fields) {
        return new Edit(fields.text("text", TEXT_MAX)
                .filter(text -> !JsonFields.blank(text))
                .orElseThrow(() -> fields.refusal("text", "'text' must say what the reply should have been.")));
    }

    /** A comment that says nothing is none. */
    private static @Nullable String comment(JsonFields fields) {
        return fields.text("comment", TEXT_MAX)
                .filter(text -> !JsonFields.blank(text))
                .orElse(null);
    }

    private static List<String> reasons(JsonFields fields, List<String> allowed) {
        List<String> reasons = new ArrayList<>();
        for (JsonNode reason : fields.list("reasons")) {
            if (!reason.isTextual() || !allowed.contains(reason.textValue())) {
                throw fields.refusal(
                        "reasons",
                        allowed.isEmpty()
                                ? "This bot takes no reasons; 'chat.thumb_reasons' in bots.yaml names them."
                                : "A reason must be one of %s.".formatted(String.join(", ", allowed)));
            }
            if (reasons.contains(reason.textValue())) {
                throw fields.refusal("reasons", "The reason '%s' is given twice.".formatted(reason.textValue()));
            }
            reasons.add(reason.textValue());
        }
        return reasons;
    }

    private static Outcome outcome(JsonFields fields, int replies) {
        if (replies != 2) {
            throw fields.refusal("kind", "A preference needs two replies; this interaction has %d.".formatted(replies));
        }
        JsonNode chosen = fields.get("chosen");
        String said =
                chosen.isNumber() ? Double.toString(chosen.asDouble()) : chosen.isTextual() ? chosen.textValue() : "";
        return switch (said) {
            case "0.0", "0" -> Outcome.FIRST;
            case "1.0", "1" -> Outcome.SECOND;
            case "tie" -> Outcome.TIE;
            case "both_bad" -> Outcome.BOTH_BAD;
            default -> throw fields.refusal("chosen", "'chosen' must be 0, 1, \"tie\" or \"both_bad\".");
        };
    }

    private static List<List<Integer>> order(JsonFields fields, int replies) {
        List<List<Integer>> groups = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        int named = 0;
        for (JsonNode group : fields.list("order")) {
            if (!group.isArray() || group.isEmpty()) {
                throw fields.refusal("order", "A group of 'order' is a list that names at least one reply.");
            }
            List<Integer> indexes = new ArrayList<>();
            for (JsonNode index : group) {
                indexes.add(fields.integer(index, "order", 0, replies - 1));
                named++;
            }
            seen.addAll(indexes);
            groups.add(indexes);
        }
        if (seen.size() != replies || named != replies) {
            throw fields.refusal("order", "'order' must name each of the %d replies once.".formatted(replies));
        }
        return groups;
    }
}
