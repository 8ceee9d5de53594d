package dev.bellwether.stream.rollout;

import dev.bellwether.event.Arm;
import dev.bellwether.event.Event;
import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.PolicyScorecard.Events;
import dev.bellwether.event.PolicyScorecard.Exposures;
import dev.bellwether.event.PolicyScorecard.Kind;
import dev.bellwether.event.PolicyScorecard.Votes;
import dev.bellwether.event.RolloutState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A scorecard that grows: users by share and arm, and what happened to them. */
final class Cards {
    private final Map<Cell, long[]> cells = new HashMap<>();

    private record Cell(double share, Arm arm) {}

    private static final int MET = 0;
    private static final int UP = 1;
    private static final int DOWN = 2;
    private static final int KINDS = 3;

    private long[] cell(double share, Arm arm) {
        return cells.computeIfAbsent(new Cell(share, arm), _ -> new long[KINDS + Kind.values().length]);
    }

    Cards met(double share, Arm arm, long users) {
        cell(share, arm)[MET] += users;
        return this;
    }

    Cards up(double share, Arm arm, long users) {
        cell(share, arm)[UP] += users;
        return this;
    }

    Cards down(double share, Arm arm, long users) {
        cell(share, arm)[DOWN] += users;
        return this;
    }

    Cards happened(double share, Arm arm, Kind kind, long users) {
        cell(share, arm)[KINDS + List.of(Kind.values()).indexOf(kind)] += users;
        return this;
    }

    /** Exposures are counted as if nobody had met it at another share before. */
    PolicyScorecard of(RolloutState state) {
        List<Exposures> met = new ArrayList<>();
        List<Votes> votes = new ArrayList<>();
        List<Events> events = new ArrayList<>();
        cells.forEach((cell, counts) -> {
            met.add(new Exposures(cell.share(), cell.arm(), counts[MET]));
            votes.add(new Votes(cell.share(), cell.arm(), counts[UP], counts[DOWN]));
            for (int kind = 0; kind < Kind.values().length; kind++) {
                if (counts[KINDS + kind] > 0) {
                    events.add(new Events(
                            cell.share(), cell.arm(), List.of(Kind.values()).get(kind), counts[KINDS + kind]));
                }
            }
        });
        return new PolicyScorecard(
                Event.SCHEMA, state.bot(), String.valueOf(state.experiment()), 1, met, votes, Map.of(), events, met);
    }
}
