package dev.bellwether.trainer.reward;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.apache.commons.statistics.descriptive.Quantile;

/**
 * How relevant what people judged is; what needs no judgement says nothing of whether that matters to them.
 *
 * @param own of each piece of evidence, of a comparison the chosen reply's beyond the other's, in units
 * @param unit root mean square of that, by the evidence's weight, in nats
 * @param usual of replies in the mean, in nats
 * @param most that counts, in nats
 */
record Relevances(double[] own, double unit, double usual, double most) {
    /** So many of the replies that please are less relevant than what counts in full. */
    private static final double MOST = .9;

    private static final Relevances NONE = new Relevances(new double[0], 0, 0, 0);

    static Relevances of(List<Evidence> judged, Optional<Relevance> relevance) {
        if (relevance.isEmpty()) {
            return NONE;
        }
        double[] nats = relevance
                .get()
                .of(judged.stream().flatMap(each -> each.replies().stream()).toList());
        double usual = Arrays.stream(nats).average().orElse(0);
        double[] pleasing = pleasing(judged, nats);
        if (pleasing.length == 0) {
            return NONE;
        }
        double most = Math.max(usual, Quantile.withDefaults().evaluate(pleasing, MOST));
        Relevance.Term counted = new Relevance.Term(1, usual, most);
        double[] own = new double[judged.size()];
        double squares = 0;
        double weight = 0;
        int next = 0;
        for (int i = 0; i < own.length; i++) {
            Evidence each = judged.get(i);
            int replies = each.replies().size();
            own[i] = counted.beyondUsual(nats[next]) - (replies > 1 ? counted.beyondUsual(nats[next + 1]) : 0);
            squares += each.weight() * own[i] * own[i];
            weight += each.weight();
            next += replies;
        }
        double unit = Math.sqrt(squares / weight);
        if (!(unit > 0)) {
            return NONE;
        }
        for (int i = 0; i < own.length; i++) {
            own[i] /= unit;
        }
        return new Relevances(own, unit, usual, most);
    }

    /** Of the replies that somebody preferred or liked. */
    private static double[] pleasing(List<Evidence> judged, double... nats) {
        DoubleStream.Builder pleasing = DoubleStream.builder();
        int next = 0;
        for (Evidence each : judged) {
            if (!(each instanceof Evidence.Voted voted) || voted.vote().up()) {
                pleasing.add(nats[next]);
            }
            next += each.replies().size();
        }
        return pleasing.build().toArray();
    }

    double of(int evidence) {
        return evidence < own.length ? own[evidence] : 0;
    }

    Relevance.Term term(double worth) {
        return worth > 0 && unit > 0 ? new Relevance.Term(worth / unit, usual, most) : Relevance.Term.NONE;
    }
}
