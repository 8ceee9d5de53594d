package dev.bellwether.trainer.refresh;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.Manifest;
import dev.bellwether.policy.checkpoint.PolicyStore;

/** What a refresh starts from. */
sealed interface Start {

    /**
     * A version with weights of its own, not with adapters of another's.
     *
     * @param candidate whether a candidate comes of it; where an upstream answers, the reward model is all
     */
    record From(String version, boolean candidate) implements Start {}

    /** There is nothing to train from; {@code reason} says what to do. */
    record Missing(String reason) implements Start {}

    /**
     * The start of {@code order}; a candidate of a bot whose first version was an upstream, or has another shape than the
     * champion, starts from the champion. Where that holds adapters, what they are adapters of is the start: adapters are trained over it again, not over them.
     */
    static Start of(PolicyStore store, Refresh.Order order, RefreshConfig config) {
        String bot = order.bot();
        String champion = order.champion();
        if (kind(store, bot, champion) != ArtefactKind.UPSTREAM) {
            boolean fits = kind(store, bot, order.origin()) != ArtefactKind.UPSTREAM && sameShape(store, bot, order);
            return new From(base(store, bot, fits ? order.origin() : champion), true);
        }
        String base = config.rewardBase();
        if (store.contains(bot, base) && kind(store, bot, base).policy()) {
            return new From(base(store, bot, base), false);
        }
        return new Missing("""
                the champion %s is an upstream, and the store has no checkpoint '%s' of bot %s to start a reward model \
                from; add one with `version add %s %s --checkpoint FOLDER`, or name a version that \
                is there as `reward_base` in the section `refresh` of bots.yaml, and ask for a refresh again""".formatted(champion, base, bot, bot, base));
    }

    private static boolean sameShape(PolicyStore store, String bot, Refresh.Order order) {
        return order.origin().equals(order.champion())
                || CheckpointConfig.read(store.path(bot, order.origin()))
                        .tensors()
                        .equals(CheckpointConfig.read(store.path(bot, order.champion()))
                                .tensors());
    }

    private static String base(PolicyStore store, String bot, String version) {
        Manifest.Base base = store.manifest(bot, version).base();
        return base == null ? version : base.version();
    }

    private static ArtefactKind kind(PolicyStore store, String bot, String version) {
        return store.manifest(bot, version).artefactKind();
    }
}
