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
import dev.bellwether.gateway.http.ApiException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The body of a judgement, checked: which reply it is about and what it says. */
record FeedbackBody(int choice, FeedbackSignal signal) {
    private static final int TEXT_MAX = 8_000;
    private static final List<String> FLAGS = List.of("harmful", "biased", "private", "wrong");
    private static final List<String> SIGNALS =
            List.of("regenerated", "copied", "escalated", "resolved", "abandoned", "shown");

    /**
     * Reads a judgement of an interaction with {@code replies} replies.
     *
     * @param reasons what thumbs of this bot may be explained with
     */
    static FeedbackBody parse(ObjectNode json, int replies, List<String> reasons) {
        String kind = json.path("kind").asText("");
        FeedbackSignal signal = switch (kind) {
            case "thumb" -> {
                refuseOthers(json, "value", "reasons", "comment");
                yield new Thumb(
                        oneOf(json, "value", List.of("up", "down")).equals("up"),
                        reasons(json, reasons),
                        comment(json));
            }
            case "rating" -> {
                refuseOthers(json, "value", "comment");
                yield new Rating(integer(json.path("value"), "/value", 1, 5), comment(json));
            }
            case "preference" -> {
                refuseOthers(json, "chosen");
                refuseChoice(json);
                yield new Preference(outcome(json.path("chosen"), replies));
            }
            case "ranking" -> {
                refuseOthers(json, "order");
                refuseChoice(json);
                yield new Ranking(order(json.path("order"), replies));
            }
            case "edit" -> {
                refuseOthers(json, "text");
                yield new Edit(text(json, "text"));
            }
            case "flag" -> {
                refuseOthers(json, "category", "comment");
                yield new Flag(oneOf(json, "category", FLAGS), comment(json));
            }
            case "signal" -> {
                refuseOthers(json, "name");
                yield new Signal(oneOf(json, "name", SIGNALS));
            }
            default ->
                throw invalid(
                        "/kind",
                        "'kind' must be one of thumb, rating, preference, ranking, edit, flag, signal; not '%s'."
                                .formatted(kind));
        };
        int choice = json.has("choice") ? integer(json.path("choice"), "/choice", 0, replies - 1) : 0;
        return new FeedbackBody(choice, signal);
    }

    private static ApiException invalid(String pointer, String message) {
        return ApiException.field(422, "invalid_feedback", pointer, message);
    }

    private static void refuseOthers(ObjectNode json, String... fields) {
        Set<String> known = new HashSet<>(List.of(fields));
        known.add("kind");
        known.add("choice");
        json.fieldNames().forEachRemaining(field -> {
            if (!known.contains(field)) {
                throw invalid("/" + field, "The field '%s' does not belong here.".formatted(field));
            }
        });
    }

    /** Kinds that judge all replies at once have no choice beside. */
    private static void refuseChoice(ObjectNode json) {
        if (json.has("choice") && json.path("choice").asInt(-1) != 0) {
            throw invalid("/choice", "This kind judges all replies; leave 'choice' out.");
        }
    }

    private static int integer(JsonNode value, String pointer, int least, int most) {
        if (!value.isIntegralNumber() || value.asLong() < least || value.asLong() > most) {
            throw invalid(pointer, "A whole number from %d to %d is needed.".formatted(least, most));
        }
        return value.asInt();
    }

    private static String oneOf(ObjectNode json, String field, List<String> values) {
        String value = json.path(field).asText("");
        if (!json.path(field).isTextual() || !values.contains(value)) {
            throw invalid("/" + field, "'%s' must be one of %s.".formatted(field, String.join(", ", values)));
        }
        return value;
    }

    private static String text(ObjectNode json, String field) {
        JsonNode value = json.path(field);
        if (!value.isTextual() || value.asText().isBlank() || value.asText().length() > TEXT_MAX) {
            throw invalid("/" + field, "'%s' must be a text of 1 to %d characters.".formatted(field, TEXT_MAX));
        }
        return value.asText();
    }

    private static @Nullable String comment(ObjectNode json) {
        return json.path("comment").isMissingNode() || json.path("comment").isNull() ? null : text(json, "comment");
    }

    private static List<String> reasons(ObjectNode json, List<String> allowed) {
        JsonNode given = json.path("reasons");
        List<String> reasons = new ArrayList<>();
        if (!given.isMissingNode() && !given.isArray()) {
            throw invalid("/reasons", "'reasons' must be a list.");
        }
        for (JsonNode reason : given) {
            if (!allowed.contains(reason.asText())) {
                throw invalid(
                        "/reasons",
                        allowed.isEmpty()
                                ? "This bot takes no reasons; 'chat.thumb_reasons' in bots.yaml names them."
                                : "A reason must be one of %s.".formatted(String.join(", ", allowed)));
            }
            if (reasons.contains(reason.asText())) {
                throw invalid("/reasons", "The reason '%s' is given twice.".formatted(reason.asText()));
            }
            reasons.add(reason.asText());
        }
        return reasons;
    }

    private static Outcome outcome(JsonNode chosen, int replies) {
        if (replies != 2) {
            throw invalid("/kind", "A preference needs two replies; this interaction has %d.".formatted(replies));
        }
        return switch (chosen.asText("")) {
            case "0" -> Outcome.FIRST;
            case "1" -> Outcome.SECOND;
            case "tie" -> Outcome.TIE;
            case "both_bad" -> Outcome.BOTH_BAD;
            default -> throw invalid("/chosen", "'chosen' must be 0, 1, \"tie\" or \"both_bad\".");
        };
    }

    private static List<List<Integer>> order(JsonNode order, int replies) {
        List<List<Integer>> groups = new ArrayList<>();
        Set<Integer> seen = new HashSet<>();
        if (order.size() > replies) {
            throw invalid("/order", "'order' has more groups than there are replies.");
        }
        for (JsonNode group : order) {
            if (group.isEmpty()) {
                throw invalid("/order", "A group of 'order' names at least one reply.");
            }
            List<Integer> indexes = new ArrayList<>();
            for (JsonNode index : group) {
                indexes.add(integer(index, "/order", 0, replies - 1));
            }
            seen.addAll(indexes);
            groups.add(indexes);
        }
        int named = groups.stream().mapToInt(List::size).sum();
        if (seen.size() != replies || named != replies) {
            throw invalid("/order", "'order' must name each of the %d replies once.".formatted(replies));
        }
        return groups;
    }
}
