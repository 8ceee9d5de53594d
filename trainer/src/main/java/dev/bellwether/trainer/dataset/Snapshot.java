package dev.bellwether.trainer.dataset;

import com.fasterxml.jackson.databind.ObjectReader;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Rating;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.PreferencePair.Origin;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.policy.prompt.PolicyTokenizer;
import dev.bellwether.policy.prompt.PromptRefusedException;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Comparison.Shown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pairs and rated interactions that one refresh learns from; never changed once taken. */
public record Snapshot(List<PreferencePair> pairs, List<RatedInteraction> rated, LeftOut leftOut) {
    private static final Logger LOG = LoggerFactory.getLogger(Snapshot.class);
    private static final String PAIRS = "pairs.jsonl";
    private static final String RATED = "rated.jsonl";

    /** What one of two replies weighs that were both bad, beside a thumb. */
    private static final double BOTH_BAD = .5;

    /** Why a reply ended that has as many tokens as it may. */
    private static final String CUT_OFF = "length";

    public Snapshot {
        pairs = List.copyOf(pairs);
        rated = List.copyOf(rated);
    }

    /**
     * A snapshot in an order of its own, so that the same records give the same snapshot, and without what could be meant
     * to poison it.
     *
     * @param quarantine whether those who came in a burst are left out until somebody has looked
     */
    public static Snapshot of(List<PreferencePair> pairs, List<RatedInteraction> rated, boolean quarantine) {
        return Admission.of(pairs, rated, quarantine);
    }

    public static Snapshot of(List<PreferencePair> pairs, List<RatedInteraction> rated) {
        return of(pairs, rated, true);
    }

    /** Judgements in the snapshot. */
    public long judgements() {
        return rated.stream().mapToLong(each -> each.judgements().size()).sum();
    }

    /** What judgements say of replies by themselves that are in no pair, a thumb as 1. */
    public double votes() {
        Set<String> paired = pairs.stream()
                .filter(pair -> pair.origin() == Origin.THUMBS)
                .flatMap(pair ->
                        Stream.of(pair.chosen().interactionId(), pair.rejected().interactionId()))
                .collect(Collectors.toSet());
        return rated.stream()
                .filter(each -> !paired.contains(each.interaction().interactionId()))
                .flatMap(each -> each.judgements().stream())
                .flatMap(judgement -> Tokens.opinions(judgement).stream())
                .mapToDouble(Tokens.Opinion::weight)
                .sum();
    }

    /** Hashes of everybody whose replies or judgements are in it. */
    public Set<String> people() {
        Set<String> people = new TreeSet<>();
        pairs.forEach(pair -> people.addAll(pair.judges()));
        for (RatedInteraction each : rated) {
            Stream.ofNullable(each.interaction().userHash()).forEach(people::add);
            each.judgements().stream()
                    .flatMap(judgement -> Stream.ofNullable(judgement.userHash()))
                    .forEach(people::add);
        }
        return people;
    }

    /** What is left without what people said and were told before they asked to be forgotten. */
    public Snapshot without(Erasures erasures) {
        return new Snapshot(
                pairs.stream().filter(pair -> !erasures.cover(pair)).toList(),
                rated.stream()
                        .filter(each -> !erasures.cover(each.interaction()))
                        .toList(),
                leftOut);
    }

    public static boolean exists(Path directory) {
        return Files.exists(directory.resolve(PAIRS)) && Files.exists(directory.resolve(RATED));
    }

    public void write(Path directory) throws IOException {
        Files.createDirectories(directory);
        leftOut.write(directory);
        JsonLines.write(directory.resolve(RATED), EventJson.mapper(), rated);
        JsonLines.write(directory.resolve(PAIRS), EventJson.mapper(), pairs);
    }

    public static Snapshot read(Path directory) throws IOException {
        return new Snapshot(
                read(directory.resolve(PAIRS), PreferencePair.class),
                read(directory.resolve(RATED), RatedInteraction.class),
                LeftOut.read(directory));
    }

    private static <T> List<T> read(Path file, Class<T> type) throws IOException {
        ObjectReader reader = EventJson.mapper().readerFor(type);
        List<T> records = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            records.add(reader.readValue(line));
        }
        return records;
    }

    /** The snapshot as tokens. */
    public final class Tokens {
        private final PolicyTokenizer tokenizer;
        private final int endToken;
        private final int tokensMax;

        /** Replies that were cut off at their longest, by interaction. */
        private final Map<String, Set<String>> cutOff = new HashMap<>();

        /**
         * @param tokensMax longer samples are left out
         */
        public Tokens(PolicyTokenizer tokenizer, int endToken, int tokensMax) {
            this.tokenizer = tokenizer;
            this.endToken = endToken;
            this.tokensMax = tokensMax;
            for (RatedInteraction each : rated) {
                for (Reply reply : each.interaction().replies()) {
                    if (reply.finishReason().equals(CUT_OFF)) {
                        cutOff.computeIfAbsent(each.interaction().interactionId(), _ -> new HashSet<>())
                                .add(reply.text());
                    }
                }
            }
        }

        public List<Comparison> comparisons() {
            List<Comparison> comparisons = new ArrayList<>();
            for (PreferencePair pair : pairs) {
                Optional<Sample> chosen = sample(pair.prompt(), pair.chosen());
                Optional<Sample> rejected = sample(pair.prompt(), pair.rejected());
                if (chosen.isPresent() && rejected.isPresent()) {
                    comparisons.add(new Comparison(
                            chosen.get(),
                            rejected.get(),
                            pair.weight(),
                            pair.judges(),
                            pair.time(),
                            pair.origin(),
                            shown(pair)));
                }
            }
            return comparisons;
        }

        private static Shown shown(PreferencePair pair) {
            if (!pair.origin().duel() || pair.chosen().side() == pair.rejected().side()) {
                return Shown.APART;
            }
            return pair.chosen().side() < pair.rejected().side() ? Shown.FIRST : Shown.SECOND;
        }

        /**
         * What judgements say of replies by themselves.
         *
         * @param leftOut how many more there are, of replies that are too long, or whose prompt the template refuses
         */
        public record Votes(List<Vote> cast, int leftOut) {}

        /**
         * Thumbs, ratings and duels in which both replies were bad, no more of one person than {@link JudgementCap} allows.
         */
        public Votes votes() {
            List<Vote> votes = new ArrayList<>();
            int leftOut = 0;
            JudgementCap cap = new JudgementCap(rated.size());
            for (RatedInteraction each : rated) {
                for (Feedback judgement : each.judgements()) {
                    List<Opinion> opinions = opinions(judgement);
                    String user = judgement.userHash();
                    String person = user == null ? judgement.interactionId() : user;
                    List<Vote> cast = opinions.stream()
                            .flatMap(opinion -> vote(each.interaction(), opinion, person, judgement.time()).stream())
                            .toList();
                    leftOut += opinions.size() - cast.size();
                    if (!cast.isEmpty() && cap.admits(List.of(person), judgement.time())) {
                        votes.addAll(cast);
                    }
                }
            }
            return new Votes(List.copyOf(votes), leftOut);
        }

        /** What a judgement says of a reply by itself. */
        private record Opinion(int choice, boolean up, double weight) {}

        private static List<Opinion> opinions(Feedback judgement) {
            return switch (judgement.signal()) {
                case Thumb thumb -> List.of(new Opinion(judgement.choice(), thumb.up(), 1));
                case Rating rating
                when rating.value() != Rating.MIDDLE ->
                    List.of(new Opinion(
                            judgement.choice(),
                            rating.value() > Rating.MIDDLE,
                            Math.abs(rating.value() - Rating.MIDDLE) / (double) (Rating.MOST - Rating.MIDDLE)));
                case Preference preference
                when preference.outcome() == Outcome.BOTH_BAD ->
                    List.of(new Opinion(0, false, BOTH_BAD), new Opinion(1, false, BOTH_BAD));
                case null, default -> List.of();
            };
        }

        private Optional<Vote> vote(Interaction interaction, Opinion opinion, String person, long time) {
            Reply reply = interaction.replies().get(opinion.choice());
            return sample(
                            interaction.prompt(),
                            Turn.said(reply.text(), reply.toolCalls()),
                            reply.finishReason().equals(CUT_OFF))
                    .map(sample -> new Vote(sample, opinion.up(), person, time, opinion.weight()));
        }

        /** Every different prompt, without the reply, that leaves room for one of {@code replyTokens}. */
        public List<int[]> prompts(int replyTokens) {
            Set<List<Message>> different = new LinkedHashSet<>();
            Stream.concat(
                            rated.stream().map(each -> each.interaction().prompt()),
                            pairs.stream().map(PreferencePair::prompt))
                    .forEach(different::add);
            return different.stream()
                    .flatMap(prompt -> laidOut(prompt).stream())
                    .filter(prompt -> prompt.length + replyTokens <= tokensMax)
                    .toList();
        }

        private Optional<Sample> sample(List<Message> prompt, PreferencePair.Response reply) {
            boolean ended =
                    !cutOff.getOrDefault(reply.interactionId(), Set.of()).contains(reply.text());
            return sample(prompt, reply.text(), !ended);
        }

        /** A sample of no more than {@code tokensMax} tokens; without an end where the reply had none. */
        private Optional<Sample> sample(List<Message> prompt, String reply, boolean cutOff) {
            int[] said = cutOff && !reply.isEmpty() ? tokenizer.encode(reply) : tokenizer.reply(reply, endToken);
            return laidOut(prompt)
                    .map(tokens -> Sample.of(tokens, said))
                    .filter(sample -> sample.length() <= tokensMax);
        }

        /** None where the template refuses a conversation, which another version had: nothing is learned from it. */
        private Optional<int[]> laidOut(List<Message> prompt) {
            try {
                return Optional.of(tokenizer.prompt(turns(prompt)));
            } catch (PromptRefusedException e) {
                LOG.info("a conversation is left out, the chat template refuses it: {}", e.getMessage());
                return Optional.empty();
            }
        }

        private static List<Turn> turns(List<Message> prompt) {
            return prompt.stream()
                    .map(message -> Turn.of(message.role(), message.content(), message.toolCalls()))
                    .toList();
        }
    }
}
