package dev.bellwether.sdk;

/**
 * The service's word that a judgement is stored.
 *
 * @param feedbackId what {@link BellwetherClient#withdraw} takes
 * @param replayed true when an earlier attempt had already been stored
 */
public record FeedbackReceipt(String feedbackId, boolean replayed) {}
