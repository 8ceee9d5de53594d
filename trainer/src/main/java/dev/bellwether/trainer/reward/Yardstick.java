package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What reward models are measured by: judgements that they did not learn from. Where people compared, which reply of a prompt
 * they preferred. Where they gave thumbs alone, which of two prompts had the reply that was liked, by how much a reply is worth
 * more than others would have been there: else a model would be right that knows which questions are hard.
 */
public final class Yardstick {
    private static final int OTHERS = 8;

    private final List<Comparison> fair;
    private final List<Comparison> contrasts;

    /** For each reply of {@link #contrasts}, the liked one's first: what others were told, as replies to its prompt. */
    private final List<List<Sample>> others;

    public Yardstick(Judgements judgements, long seed) {
        this.fair = judgements.fair();
        this.contrasts = judgements.contrasts();
        List<Sample> told = Stream.concat(judgements.good().stream(), judgements.bad().stream())
                .toList();
        int longest = told.stream().mapToInt(Sample::length).max().orElse(0);
        Random random = new Random(seed);
        this.others = contrasts.stream()
                .flatMap(each -> Stream.of(each.chosen(), each.rejected()))
                .map(reply -> others(reply, told, longest, random))
                .toList();
    }

    /** Drawn of {@code told}, none longer than {@code longest}; the reply itself may be among them. */
    private static List<Sample> others(Sample reply, List<Sample> told, int longest, Random random) {
        List<Sample> others = new ArrayList<>();
        for (int draw = 0; draw < OTHERS; draw++) {
            Sample other = told.get(random.nextInt(told.size()));
            others.add(
                    reply.promptLength() + other.replyLength() <= longest
                            ? Sample.of(reply.prompt(), other.reply())
                            : reply);
        }
        return others;
    }

    /** What there is to be right on. */
    public List<Comparison> comparisons() {
        return Stream.concat(fair.stream(), contrasts.stream()).toList();
    }

    /** Rewards {@code [2 * comparisons][heads]}, the preferred reply's first; those of contrasts less what others get there. */
    private float[][] rewards(Function<List<Sample>, float[][]> model) {
        List<Sample> replies = comparisons().stream()
                .flatMap(each -> Stream.of(each.chosen(), each.rejected()))
                .toList();
        float[][] rewards = model.apply(replies);
        float[][] usual = model.apply(others.stream().flatMap(List::stream).toList());
        for (int i = 0; i < others.size(); i++) {
            float[] own = rewards[2 * fair.size() + i];
            for (int head = 0; head < own.length; head++) {
                for (int other = 0; other < OTHERS; other++) {
                    own[head] -= usual[OTHERS * i + other][head] / OTHERS;
                }
            }
        }
        return rewards;
    }

    /** How far {@code model} can be believed. */
    public Calibration calibration(RewardModel model) {
        return Calibration.of(rewards(model::rewards), comparisons());
    }

    /** The same of its heads alone, which are what is published. */
    public Calibration calibrationOfHeads(RewardModel model) {
        return Calibration.of(rewards(model::headRewards), comparisons());
    }

    /** Of each of {@link #comparisons} whether {@code model}'s mean reward is higher for the preferred reply. */
    public boolean[] right(RewardModel model) {
        float[][] rewards = rewards(model::rewards);
        boolean[] right = new boolean[rewards.length / 2];
        for (int i = 0; i < right.length; i++) {
            right[i] = sum(rewards[2 * i]) > sum(rewards[2 * i + 1]);
        }
        return right;
    }

    private static double sum(float... heads) {
        return IntStream.range(0, heads.length).mapToDouble(head -> heads[head]).sum();
    }
}
