package dev.bellwether.trainer.objective;

import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.CheckpointConfig.Pooling;
import dev.bellwether.trainer.dataset.MicroBatch;
import dev.bellwether.trainer.model.Parameters;
import dev.bellwether.trainer.model.Pass;
import dev.bellwether.trainer.model.Transformer;
import dev.bellwether.trainer.model.Weights;
import dev.bellwether.trainer.reward.RewardModel;
import dev.bellwether.trainer.tensor.ComputeDevice;
import dev.bellwether.trainer.tensor.Torch;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** PPO's baseline: a network of its own, which starts as the reward model with the mean of its heads. */
final class Critic implements Baseline {
    private final Transformer model;
    private final Parameters parameters;
    private final ComputeDevice device;
    private final PpoConfig.Update config;

    /** What the heads say in the mean, in the deviation of whole scores: values are beyond that. */
    private final double offset;

    Critic(CheckpointConfig policy, RewardModel reward, PpoConfig.Update config) {
        CheckpointConfig oneHead = policy.asRewardModel(1, Pooling.MEAN);
        Weights weights = reward.weights().withMeanHead(oneHead, reward.scale().deviation());
        this.model = new Transformer(oneHead);
        this.parameters = new Parameters(weights, Parameters.AdamW.PPO);
        this.device = weights.device();
        this.config = config;
        this.offset = reward.headScale().mean() / reward.scale().deviation();
    }

    @Override
    public List<Advantages> advantages(List<Experience> step) {
        return step.stream().map(this::advantages).toList();
    }

    private Advantages advantages(Experience experience) {
        MicroBatch batch = experience.batch();
        float[] values = values(batch);
        float[] advantages = new float[values.length];
        float[] returns = new float[values.length];
        for (int row = 0; row < batch.size(); row++) {
            int from = batch.offset(row);
            int to = batch.offset(row + 1);
            Advantages estimated = Advantages.estimate(
                    Arrays.copyOfRange(experience.rewards(), from, to),
                    Arrays.copyOfRange(values, from, to),
                    config.gamma(),
                    config.lambda());
            System.arraycopy(estimated.advantages(), 0, advantages, from, to - from);
            System.arraycopy(estimated.returns(), 0, returns, from, to - from);
        }
        return new Advantages(advantages, values, returns);
    }

    private float[] values(MicroBatch batch) {
        try (PointerScope _ = Torch.scope();
                NoGradGuard _ = new NoGradGuard()) {
            Weights weights = parameters.weights();
            float[] raw = Torch.toArray(values(weights, batch, model.hidden(weights, batch)));
            for (int i = 0; i < raw.length; i++) {
                raw[i] -= (float) offset;
            }
            return raw;
        }
    }

    /** The head's mean over the reply so far: for a whole reply, what the reward model that it starts from gives. */
    static Tensor values(Weights critic, MicroBatch batch, Tensor states) {
        Tensor rows = states.flatten(0, 1).to(ScalarType.Float).index_select(0, batch.positions(critic.device()));
        Tensor heads = torch.linear(rows, critic.get(RewardModel.HEAD));
        return batch.meanSoFar(critic.device()).matmul(heads).flatten();
    }

    @Override
    public double update(List<Experience.Valued> minibatch, double learningRate) {
        int tokens = minibatch.stream()
                .mapToInt(each -> each.experience().batch().replyTokens())
                .sum();
        double loss = 0;
        for (Experience.Valued each : minibatch) {
            loss += backward(each, tokens);
        }
        parameters.update(learningRate);
        return loss;
    }

    /** Adds the gradients of a part of the minibatch's loss, and gives that part. */
    private double backward(Experience.Valued valued, int tokens) {
        MicroBatch batch = valued.experience().batch();
        try (PointerScope _ = Torch.scope()) {
            Tensor old = shifted(valued.advantages().values());
            Tensor returns = shifted(valued.advantages().returns());
            Pass pass = model.forward(parameters.weights(), batch);
            Tensor values = values(parameters.weights(), batch, pass.states());
            Tensor loss = PpoLoss.value(values, old, returns, config.valueClip(), tokens);
            loss.backward();
            pass.backward();
            return loss.item_double();
        }
    }

    /** As the head gives them. */
    private Tensor shifted(float[] values) {
        return Torch.floats(device, values, values.length).add(new Scalar(offset));
    }

    @Override
    public List<Parameters> trained() {
        return List.of(parameters);
    }

    @Override
    public void close() {
        parameters.close();
        parameters.weights().close();
        model.close();
    }
}
