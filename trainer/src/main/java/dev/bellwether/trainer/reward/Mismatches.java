package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.dataset.Comparison;
import dev.bellwether.trainer.dataset.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Comparisons that need no judgement: a reply served for its prompt over one served for another. They keep relevance
 * in the reward.
 */
final class Mismatches {
    private Mismatches() {}

    /** {@code count} mismatches among {@code replies}. */
    static List<Comparison> of(List<Sample> replies, int count, long seed) {
        List<Comparison> mismatches = new ArrayList<>();
        Random random = new Random(seed);
        for (int attempt = 0; attempt < 10 * count && mismatches.size() < count && replies.size() > 1; attempt++) {
            Sample here = replies.get(random.nextInt(replies.size()));
            Sample there = replies.get(random.nextInt(replies.size()));
            int[] prompt = here.prompt();
            int[] reply = there.reply();
            if (!Arrays.equals(prompt, there.prompt()) && !Arrays.equals(reply, here.reply())) {
                mismatches.add(new Comparison(here, Sample.of(prompt, reply), 1, List.of(), 0));
            }
        }
        return mismatches;
    }
}
