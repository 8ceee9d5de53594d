package dev.bellwether.trainer.dataset;

/**
 * A reply as tokens that somebody liked or not.
 *
 * @param weight of what was said, beside a thumb: a rating at the end of its scale weighs as much, one next to the middle half
 */
public record Vote(Sample reply, boolean up, String judge, long time, double weight) {
    /** A thumb. */
    public Vote(Sample reply, boolean up, String judge, long time) {
        this(reply, up, judge, time, 1);
    }
}
