package dev.bellwether.trainer.dataset;

/** A reply as tokens with a thumb on it. */
public record Vote(Sample reply, boolean up, String judge, long time) {}
