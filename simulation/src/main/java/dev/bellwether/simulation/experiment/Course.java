package dev.bellwether.simulation.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * How a run went, refresh by refresh, as the demo's report has it.
 *
 * @param run its name
 * @param shares of the possible gain that the version has which serves after each refresh, the first before any
 * @param satisfactions true satisfaction with it
 * @param promoted how many of the refreshes led to a version that serves
 * @param interactions that customers had in all
 * @param seconds that the run took
 */
record Course(
        String run,
        List<Double> shares,
        List<Double> satisfactions,
        int promoted,
        long judgements,
        long interactions,
        double seconds) {
    /** Where less can be gained, nobody's share of it says anything. */
    private static final double GAIN_LEAST = 1e-3;

    private static final Set<String> SERVED = Set.of("promoted", "replaced", "champion");

    static Course of(String run, JsonNode report) {
        Map<String, JsonNode> versions = new HashMap<>();
        report.path("versions")
                .forEach(each -> versions.put(each.path("version").asText(), each));
        double base = report.path("base_satisfaction").asDouble();
        double best = report.path("best_of_64_satisfaction").asDouble();
        List<Double> satisfactions = new ArrayList<>(List.of(base));
        List<JsonNode> refreshes = new ArrayList<>();
        report.path("refreshes").forEach(refreshes::add);
        refreshes.sort(Comparator.comparing(each -> each.path("id").asText()));
        int promoted = 0;
        for (JsonNode refresh : refreshes) {
            JsonNode version = Objects.requireNonNullElse(
                    versions.get("v" + refresh.path("id").asText()), MissingNode.getInstance());
            boolean served = SERVED.contains(version.path("state").asText());
            promoted += served ? 1 : 0;
            satisfactions.add(served ? version.path("satisfaction").asDouble() : satisfactions.getLast());
        }
        return new Course(
                run,
                satisfactions.stream()
                        .map(each -> best - base < GAIN_LEAST ? 0 : (each - base) / (best - base))
                        .toList(),
                satisfactions,
                promoted,
                report.path("feedback_acknowledged").asLong(),
                report.path("interactions").asLong(),
                report.path("seconds").asDouble());
    }

    /** What it came to in the end. */
    double share() {
        return shares.getLast();
    }
}
