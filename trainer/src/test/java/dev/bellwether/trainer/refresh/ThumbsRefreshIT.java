package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.RefreshProgress.Report;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.LoraConfig;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.policy.prompt.Turn;
import dev.bellwether.trainer.dataset.Snapshot;
import dev.bellwether.trainer.model.Trained;
import dev.bellwether.trainer.objective.BestOfN;
import dev.bellwether.trainer.objective.Objective;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Refreshes of a bot without duels, whose users never ask the same: not one pair comes of their thumbs. */
class ThumbsRefreshIT {
    private static final int PEOPLE = 400;

    @TempDir
    private Path directory = Path.of("");

    private PolicyStore store = new PolicyStore(directory);

    @BeforeEach
    void publishAPolicy() throws IOException {
        store = SmallPolicy.store(directory);
    }

    /** Every second person was answered kindly. */
    private static RatedInteraction rated(int number, boolean up) {
        String text = number % 2 == 0
                ? "I am sorry for the trouble. Please look into the app, number %d.".formatted(number % 40)
                : "Read the terms, part %d.".formatted(number % 40);
        Interaction interaction = new Interaction(
                Event.SCHEMA,
                RefreshIT.interaction(number),
                "support",
                "conversation-" + number,
                "person-" + number,
                List.of(new Message("user", question(number))),
                List.of(new Reply(text, "default", 0, "stop", 5, 3, .7, 1)),
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                true,
                10,
                number,
                Map.of(),
                null,
                null);
        Feedback thumb = new Feedback(
                Event.SCHEMA,
                "feedback-" + number,
                interaction.interactionId(),
                0,
                "person-" + number,
                Source.END_USER,
                new Thumb(up, List.of(), null),
                null,
                number);
        return new RatedInteraction(Event.SCHEMA, 1, interaction, List.of(thumb));
    }

    /** Every other two people ask what annoys them. */
    private static String question(int number) {
        return (annoying(number) ? "Why was my transfer declined, order %d?" : "Where is my card number %d?")
                .formatted(number);
    }

    private static boolean annoying(int number) {
        return number / 2 % 2 == 0;
    }

    private static Snapshot thumbs(int people, IntPredicate likes) {
        return Snapshot.of(
                List.of(),
                IntStream.range(0, people)
                        .mapToObj(person -> rated(person, likes.test(person)))
                        .toList());
    }

    private Report refresh(Objective objective, Snapshot snapshot) throws IOException {
        TrainingConfig training = new TrainingConfig(
                Trained.AUTO, LoraConfig.DEFAULT, "cpu", true, objective, BestOfN.Config.DEFAULT, 16, 512, true, true);
        RefreshConfig config = new RefreshConfig(
                100, Duration.ofHours(1), 10, 20, .7, 1, 32, 1, 15, 1, "default", true, training, null, List.of(), 10);
        return new Refresh(
                        Refresh.Order.first("support", "v1", "default", "default", Refresh.Until.PUBLISH),
                        config,
                        store,
                        directory.resolve("v1"),
                        (stage, fraction, metrics) -> {},
                        Clock.systemUTC())
                .run(snapshot);
    }

    @Test
    void learnsWhatPeopleLike() throws IOException {
        Report report = refresh(Objective.PPO, thumbs(PEOPLE, person -> person % 2 == 0));
        assertThat(report.rewardAccuracy()).isEqualTo(1);
        assertThat(report.version()).as("it was examined: %s", report.reasons()).isEqualTo("v1");
        try (RewardScorer scorer = RewardScorer.load(store, "support", "reward-v1", 1)) {
            List<RewardScorer.Score> scores = scorer.score(
                    List.of(Turn.user("Where is my card?")),
                    List.of(
                            "Read the terms, part 3.",
                            "I am sorry for the trouble. Please look into the app, number 3."));
            assertThat(scores.get(1).mean()).isGreaterThan(scores.get(0).mean());
        }
    }

    @Test
    void findsNothingToLearnInThumbsByChance() throws IOException {
        Report report =
                refresh(Objective.PPO, thumbs(PEOPLE, person -> Integer.bitCount(person * 0x9e3779b9) % 2 == 0));
        assertThat(report.passed()).isFalse();
        assertThat(report.reasons()).singleElement().asString().contains("the judge finds no preference to learn");
    }

    @Test
    void findsNothingToLearnInThumbsThatTheQuestionDecides() throws IOException {
        Report report = refresh(Objective.PPO, thumbs(PEOPLE, person -> !annoying(person)));
        assertThat(report.passed()).isFalse();
        assertThat(report.reasons()).singleElement().asString().contains("the judge finds no preference to learn");
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        assertThat(refresh(Objective.PPO, thumbs(39, person -> person % 2 == 0)).reasons())
                .containsExactly(
                        "too little to learn from: 0 pairs and 39 thumbs, of which two count as one; pairs_min is 20");
    }

    @Test
    void saysThatEverybodyLikedEverything() throws IOException {
        assertThat(refresh(Objective.PPO, thumbs(PEOPLE, person -> true)).reasons())
                .singleElement()
                .asString()
                .startsWith("too few people judged, or all alike: 0 comparisons and ")
                .endsWith("each needs comparisons, or thumbs up and down");
    }

    @Test
    void namesTheObjectivesThatLearnFromThumbs() throws IOException {
        assertThat(refresh(Objective.DPO, thumbs(PEOPLE, person -> person % 2 == 0))
                        .reasons())
                .singleElement()
                .asString()
                .contains("too few pairs: 0, and the objective dpo", "objective: kto");
    }

    @ParameterizedTest
    @EnumSource(
            value = Objective.class,
            names = {"KTO", "RLOO"})
    void makesACandidateByThem(Objective objective) throws IOException {
        Report report = refresh(objective, thumbs(PEOPLE, person -> person % 2 == 0));
        assertThat(report.version()).as("%s", report.reasons()).isEqualTo("v1");
    }
}
