package dev.bellwether.trainer.collected;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.trainer.dataset.Snapshot;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/**
 * Judgements that were collected elsewhere as what a refresh learns from. Each counts as somebody else's: annotators are few, and
 * a refresh divides by people what it learns from and what it is judged by. Files hold no times and are often sorted:
 * judgements are taken to be a second apart, in an order by chance, so that what is held out, the last ones, is like the rest.
 */
final class CollectedSnapshot {
    private static final long ORDER_SEED = 1;
    private static final long APART_MILLIS = 1_000;
    private static final String VERSION = "collected";

    private final String bot;
    private final long newest;
    private final List<PreferencePair> pairs = new ArrayList<>();
    private final List<RatedInteraction> rated = new ArrayList<>();

    private CollectedSnapshot(String bot, long newest) {
        this.bot = bot;
        this.newest = newest;
    }

    /**
     * @param newest when the last of them was made, in milliseconds since 1970
     */
    static Snapshot of(List<Judged> judged, String bot, long newest) {
        List<Judged> order = new ArrayList<>(judged);
        Collections.shuffle(order, new Random(ORDER_SEED));
        CollectedSnapshot made = new CollectedSnapshot(bot, newest);
        for (int i = 0; i < order.size(); i++) {
            made.add(order.get(i), order.size() - 1 - i);
        }
        return Snapshot.of(made.pairs, made.rated, false);
    }

    private void add(Judged judged, int age) {
        long time = newest - age * APART_MILLIS;
        UUID id = new UUID(time << 16 | 0x7000, Long.MIN_VALUE | age);
        switch (judged) {
            case Judged.Pair pair -> pairs.add(pair(pair, id.toString(), time));
            case Judged.Thumb thumb -> rated.add(rated(thumb, id.toString(), time));
        }
    }

    private PreferencePair pair(Judged.Pair pair, String id, long time) {
        return new PreferencePair(
                Event.SCHEMA,
                id,
                bot,
                pair.prompt(),
                new PreferencePair.Response(pair.chosen(), id, null, 0),
                new PreferencePair.Response(pair.rejected(), id, null, 0),
                PreferencePair.Origin.RANKING,
                1,
                List.of(id),
                Source.REVIEWER,
                id,
                time);
    }

    private RatedInteraction rated(Judged.Thumb thumb, String id, long time) {
        Interaction interaction = new Interaction(
                Event.SCHEMA,
                id,
                bot,
                id,
                null,
                thumb.prompt(),
                List.of(new Reply(thumb.reply(), VERSION, 0, "stop", 0, 0, 1, 1)),
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                true,
                0,
                time,
                Map.of(),
                null,
                null);
        Feedback said = new Feedback(
                Event.SCHEMA,
                id,
                id,
                0,
                id,
                Source.REVIEWER,
                new FeedbackSignal.Thumb(thumb.up(), List.of(), null),
                null,
                time);
        return new RatedInteraction(Event.SCHEMA, 1, interaction, List.of(said));
    }
}
