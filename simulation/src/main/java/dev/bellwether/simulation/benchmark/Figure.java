package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * One measured number.
 *
 * @param at the circumstances, in words
 * @param reference what it is measured against; none for a number that stands alone
 * @param ratio of value to the reference's
 * @param goal in words; none where there is no goal
 * @param met whether the goal is; none where there is no goal, or nothing to measure it against
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Figure(
        String name,
        String at,
        double value,
        String unit,
        @Nullable Reference reference,
        @Nullable Double ratio,
        @Nullable String goal,
        @Nullable Boolean met) {

    /** A floor or a peer in the same run. */
    record Reference(String name, double value) {}

    static Figure of(String name, String at, double value, String unit) {
        return new Figure(name, at, value, unit, null, null, null, null);
    }

    Figure against(String other, double theirs) {
        return new Figure(name, at, value, unit, new Reference(other, theirs), value / theirs, goal, met);
    }

    Figure goal(String wanted, boolean reached) {
        return new Figure(name, at, value, unit, reference, ratio, wanted, reached);
    }
}
