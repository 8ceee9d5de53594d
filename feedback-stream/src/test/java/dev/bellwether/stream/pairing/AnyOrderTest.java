package dev.bellwether.stream.pairing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Erasure;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.stream.Records;
import dev.bellwether.stream.StreamDriver;
import dev.bellwether.topic.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.apache.kafka.streams.KeyValue;
import org.jspecify.annotations.Nullable;

/**
 * Any order, duplication and delay within the windows ends in what the whole set of records gives, worked out here from
 * the set itself; of some a user is forgotten. One stream is driven through all cases, each with a bot of its own half a day after the last.
 */
class AnyOrderTest {
    private static Path directory = Path.of("");

    @SuppressWarnings("NullAway.Init")
    private static StreamDriver stream;

    private static final List<Outcome> OUTCOMES = List.of(Outcome.values());

    private static final int TOGETHER = 10;

    private static int cases;

    @BeforeContainer
    static void start() throws IOException {
        directory = Files.createTempDirectory("any-order");
        stream = new StreamDriver(directory);
    }

    @AfterContainer
    static void stop() throws IOException {
        stream.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** What happened to one bot. */
    private record Ledger(List<Interaction> interactions, List<Feedback> feedback) {
        /** What is left when a user is forgotten. */
        Ledger without(Erasure erasure) {
            List<Interaction> left = interactions.stream()
                    .filter(each -> !erasure.userHash().equals(each.userHash()) || each.time() > erasure.time())
                    .toList();
            Set<String> ids = left.stream().map(Interaction::interactionId).collect(Collectors.toSet());
            return new Ledger(
                    left,
                    feedback.stream()
                            .filter(each -> ids.contains(each.interactionId()))
                            .toList());
        }
    }

    private static Ledger ledger(String bot, long begin, Random random) {
        List<Interaction> interactions = new ArrayList<>();
        List<Feedback> feedback = new ArrayList<>();
        for (int i = 0; i < 2 + random.nextInt(5); i++) {
            interactions.add(interaction(bot, begin + 60_000L * i, i, random));
        }
        for (int i = 0; i < 2 + random.nextInt(10); i++) {
            Interaction judged = interactions.get(random.nextInt(interactions.size()));
            List<String> given = feedback.stream()
                    .filter(each -> each.interactionId().equals(judged.interactionId()))
                    .map(Feedback::feedbackId)
                    .toList();
            boolean withdraws = !given.isEmpty() && random.nextInt(5) == 0;
            feedback.add(new Feedback(
                    Event.SCHEMA,
                    bot + "-f" + i,
                    judged.interactionId(),
                    random.nextInt(2),
                    judged.userHash(),
                    random.nextInt(6) == 0 ? Source.REVIEWER : Source.END_USER,
                    withdraws ? null : signal(random),
                    withdraws ? given.get(random.nextInt(given.size())) : null,
                    begin + random.nextInt(1_000)));
        }
        return new Ledger(interactions, feedback);
    }

    private static Interaction interaction(String bot, long time, int i, Random random) {
        String user = bot + "-user-" + random.nextInt(2);
        List<Reply> replies = new ArrayList<>();
        for (int reply = 0; reply < 1 + random.nextInt(3) / 2; reply++) {
            replies.add(new Reply("Reply " + random.nextInt(5), "default", reply, "stop", 5, 5, .7, 1));
        }
        return new Interaction(
                Event.SCHEMA,
                Records.idAt(time, bot + i),
                bot,
                user + random.nextInt(2),
                user,
                List.of(new Message("user", "Question " + random.nextInt(2))),
                replies,
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                random.nextInt(12) > 0,
                10,
                time,
                Map.of(),
                null,
                null);
    }

    private static FeedbackSignal signal(Random random) {
        return switch (random.nextInt(7)) {
            case 0 -> new Preference(OUTCOMES.get(random.nextInt(OUTCOMES.size())));
            case 1 -> new Edit("Edited " + random.nextInt(3));
            case 2 -> new Flag("wrong", null);
            case 3 -> new Ranking(List.of(List.of(1), List.of(0)));
            case 4, 5 -> Records.thumb(random.nextBoolean());
            default -> new Signal("regenerated");
        };
    }

    @Property(tries = 1_000)
    void endsInWhatTheWholeSetGives(@ForAll long seed) {
        Random random = new Random(seed);
        String bot = "bot-" + cases;
        // Some at the same time: every new time costs the stores new files.
        long begin = Duration.ofHours(12L * (1 + cases++ / TOGETHER)).toMillis();
        Ledger ledger = ledger(bot, begin, random);
        List<Event> records = new ArrayList<>(ledger.interactions());
        records.addAll(ledger.feedback());
        records.addAll(records.subList(0, random.nextInt(records.size())));
        Optional<Erasure> erasure = random.nextInt(3) > 0
                ? Optional.empty()
                : Optional.of(new Erasure(
                        Event.SCHEMA, bot + "-user-" + random.nextInt(2), "shop", begin + random.nextInt(6) * 60_000L));
        Ledger left = erasure.map(ledger::without).orElse(ledger);
        Collections.shuffle(records, random);
        erasure.ifPresent(each -> records.add(random.nextInt(1 + firstAfter(each, ledger, records)), each));
        long now = begin;
        for (Event record : records) {
            now += random.nextInt((int) Duration.ofMinutes(30).toMillis());
            send(record, now);
        }
        Map<String, RatedInteraction> rated = new TreeMap<>();
        left.interactions()
                .forEach(
                        each -> rate(each, left.feedback()).ifPresent(known -> rated.put(each.interactionId(), known)));
        Map<String, RatedInteraction> found = stream.latest(Topics.RATED_INTERACTIONS);
        assertThat(found.keySet()).isEqualTo(rated.keySet());
        rated.forEach((id, each) -> assertThat(found.get(id))
                .extracting(RatedInteraction::judgements)
                .isEqualTo(each.judgements()));
        assertThat(pairs()).isEqualTo(pairs(left.interactions(), rated));
        assertThat(stream.read(Topics.DEAD_LETTERS)).isEmpty();
    }

    /** Where the first record stands of what a user did who came back: that is appended after the erasure. */
    private static int firstAfter(Erasure erasure, Ledger ledger, List<Event> records) {
        Set<String> later = ledger.without(erasure).interactions().stream()
                .filter(each -> erasure.userHash().equals(each.userHash()))
                .map(Interaction::interactionId)
                .collect(Collectors.toSet());
        for (int i = 0; i < records.size(); i++) {
            String id = records.get(i) instanceof Interaction interaction
                    ? interaction.interactionId()
                    : ((Feedback) records.get(i)).interactionId();
            if (later.contains(id)) {
                return i;
            }
        }
        return records.size();
    }

    private static void send(Event record, long now) {
        if (record instanceof Interaction interaction) {
            stream.input(Topics.INTERACTIONS).pipeInput(interaction.interactionId(), interaction, now);
        } else if (record instanceof Feedback feedback) {
            stream.input(Topics.FEEDBACK).pipeInput(feedback.interactionId(), feedback, now);
        } else if (record instanceof Erasure erasure) {
            stream.input(Topics.ERASURES).pipeInput(erasure.userHash(), erasure, now);
        }
    }

    /** Of one source's judgements of one kind on one reply the last, unless it was withdrawn. */
    private static Optional<RatedInteraction> rate(Interaction interaction, List<Feedback> all) {
        List<Feedback> own = all.stream()
                .filter(each -> each.interactionId().equals(interaction.interactionId()))
                .sorted(Comparator.comparingLong(Feedback::time).thenComparing(Feedback::feedbackId))
                .toList();
        Set<String> withdrawn = new HashSet<>();
        own.forEach(each -> {
            if (each.withdraws() != null) {
                withdrawn.add(each.withdraws());
            }
        });
        Map<List<Object>, Feedback> last = new HashMap<>();
        for (Feedback each : own) {
            FeedbackSignal signal = each.signal();
            if (signal != null && !withdrawn.contains(each.feedbackId())) {
                last.put(List.of(each.source(), each.choice(), signal.kind()), each);
            }
        }
        List<Feedback> inForce = own.stream()
                .filter(each -> last.containsValue(each) && each.fits(interaction))
                .toList();
        return own.isEmpty() || !interaction.complete()
                ? Optional.empty()
                : Optional.of(new RatedInteraction(Event.SCHEMA, 1, interaction, inForce));
    }

    private static Map<String, PreferencePair> pairs(
            List<Interaction> interactions, Map<String, RatedInteraction> rated) {
        Map<String, PreferencePair> pairs = new TreeMap<>();
        for (int question = 0; question < 2; question++) {
            String text = "Question " + question;
            List<RatedInteraction> judged = new ArrayList<>();
            List<RatedInteraction> tries = new ArrayList<>();
            for (Interaction each : interactions) {
                if (each.prompt().getFirst().content().equals(text)) {
                    RatedInteraction known = rated.get(each.interactionId());
                    if (known != null) {
                        judged.add(known);
                    }
                    tries.add(known == null ? new RatedInteraction(Event.SCHEMA, 0, each, List.of()) : known);
                }
            }
            PairRules.apply(judged, tries, Map.of(), PairRules.THUMB_PAIRS_MAX)
                    .forEach((id, ruled) -> pairs.put(id, ruled.pair()));
        }
        return pairs;
    }

    private static Map<String, PreferencePair> pairs() {
        Map<String, PreferencePair> pairs = new TreeMap<>();
        for (KeyValue<String, @Nullable PreferencePair> entry : stream.read(Topics.PREFERENCE_PAIRS)) {
            if (entry.value == null) {
                assertThat(pairs.remove(entry.key)).as("what is withdrawn").isNotNull();
            } else {
                pairs.put(entry.key, entry.value);
            }
        }
        return pairs;
    }
}
