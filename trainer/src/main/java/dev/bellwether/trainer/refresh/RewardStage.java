package dev.bellwether.trainer.refresh;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.EventJson;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.RewardScorer;
import dev.bellwether.trainer.dataset.Judgements;
import dev.bellwether.trainer.dataset.Sample;
import dev.bellwether.trainer.dataset.Vote;
import dev.bellwether.trainer.objective.Rollouts.Rollout;
import dev.bellwether.trainer.release.Publication;
import dev.bellwether.trainer.reward.Calibration;
import dev.bellwether.trainer.reward.RewardConfig;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.reward.RewardTraining;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** The reward model of a refresh and the judge beside it: trained once, or taken from the refresh's folder. */
final class RewardStage {
    private static final int CALIBRATION_REPLIES = 256;

    private final Start.From start;
    private final Workshop workshop;
    private final Division people;
    private final Stages stages;
    private final RefreshListener listener;
    private final long seed;

    RewardStage(
            Start.From start, Workshop workshop, Division people, Stages stages, RefreshListener listener, long seed) {
        this.start = start;
        this.workshop = workshop;
        this.people = people;
        this.stages = stages;
        this.listener = listener;
        this.seed = seed;
    }

    RewardModel reward() throws IOException {
        return model("reward", people.training(), seed);
    }

    RewardModel judge() throws IOException {
        return model("judge", people.judging(), seed + 1);
    }

    private RewardModel model(String name, Judgements judgements, long ownSeed) throws IOException {
        // A refresh that goes on after an upstream took over, or went, starts from other weights.
        String file = start.candidate() ? name : name + "-from-" + start.version();
        RewardModel model = workshop.newRewardModel(start.candidate(), ownSeed);
        Optional<double[]> saved = stages.load(file, model.weights().vector());
        if (saved.isPresent()) {
            model.standing(saved.get());
            return model;
        }
        RewardConfig standard = RewardConfig.DEFAULT;
        RewardConfig config = standard.withLearningRate(workshop.learningRateFactor() * standard.learningRate());
        new RewardTraining(model, config, ownSeed)
                .train(
                        judgements.comparisons(),
                        judgements.votes(),
                        stages.savepoint(file),
                        (step, steps) -> listener.progress(name, step / (double) steps, Map.of("step", (double) step)));
        model.calibrate(start.candidate() ? sampled(ownSeed) : judged(judgements, ownSeed));
        stages.save(file, model.weights().vector(), model.standing());
        stages.deleteSavepoint(file);
        return model;
    }

    /** The starting policy's own replies, which a candidate's will be like. */
    private List<Sample> sampled(long ownSeed) {
        List<int[]> prompts = workshop.prompts(CALIBRATION_REPLIES, ownSeed);
        return workshop.sample(workshop.base(), prompts, ownSeed).stream()
                .map(Rollout::sample)
                .toList();
    }

    /** The replies that were judged: an upstream wrote them, and it is an upstream's replies that will be scored. */
    private static List<Sample> judged(Judgements judgements, long ownSeed) {
        List<Sample> replies = new ArrayList<>(Stream.concat(
                        judgements.comparisons().stream().flatMap(each -> Stream.of(each.chosen(), each.rejected())),
                        judgements.votes().stream().map(Vote::reply))
                .toList());
        Collections.shuffle(replies, new Random(ownSeed));
        return replies.subList(0, Math.min(CALIBRATION_REPLIES, replies.size()));
    }

    /** Publishes the reward model, its heads alone; one of the same name that is there already stays as it is. */
    void publish(RewardModel reward, Calibration calibration, Refresh.Order order, PolicyStore store, Instant created)
            throws IOException {
        ObjectNode about = EventJson.mapper().createObjectNode();
        about.put("accuracy", calibration.accuracy());
        about.set("calibration", EventJson.mapper().valueToTree(calibration));
        about.put(
                "held_out",
                people.heldOut().fair().size() + people.heldOut().contrasts().size());
        about.put("comparisons", people.training().comparisons().size());
        about.put("votes", people.training().votes().size());
        about.put("heads", reward.heads());
        about.put("relevance", reward.relevanceTerm().weight());
        about.put(RewardScorer.SAMPLE_TOKENS_MAX, workshop.tokensMax());
        new Publication(store)
                .publishReward(
                        new ArtefactLabel(
                                order.bot(),
                                order.rewardModel(),
                                ArtefactKind.REWARD,
                                start.version(),
                                null,
                                created,
                                about,
                                reward.headScale()),
                        workshop.rewardConfig(),
                        reward.weights(),
                        workshop.origin().directory(),
                        workshop.people());
    }
}
