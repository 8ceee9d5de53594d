package dev.bellwether.gateway.rollout;

import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What is known of rollouts and refreshes, by bot. */
final class RolloutView {
    private static final int HISTORY_MAX = 200;

    /** Of a bot the rollout and the hold-out have one each, and they follow one another. */
    private static final int CARDS_MAX = 8;

    private final Map<String, RolloutState> states = new ConcurrentHashMap<>();
    /** Of each bot by experiment, the one that changed last at the end. */
    private final Map<String, Map<String, PolicyScorecard>> scorecards = new ConcurrentHashMap<>();

    private final Map<String, Deque<RolloutTransition>> history = new ConcurrentHashMap<>();
    private final Map<String, RefreshProgress> refreshes = new ConcurrentHashMap<>();

    void announce(RolloutState state) {
        states.put(state.bot(), state);
    }

    void count(PolicyScorecard card) {
        scorecards.compute(card.bot(), (_, before) -> {
            Map<String, PolicyScorecard> cards = new LinkedHashMap<>(before == null ? Map.of() : before);
            cards.remove(card.experiment());
            cards.put(card.experiment(), card);
            if (cards.size() > CARDS_MAX) {
                cards.remove(cards.keySet().iterator().next());
            }
            return cards;
        });
    }

    void refreshed(RefreshProgress progress) {
        refreshes.put(progress.refreshId(), progress);
    }

    void moved(RolloutTransition transition) {
        Deque<RolloutTransition> transitions = history.computeIfAbsent(transition.bot(), bot -> new ArrayDeque<>());
        synchronized (transitions) {
            transitions.addLast(transition);
            if (transitions.size() > HISTORY_MAX) {
                transitions.removeFirst();
            }
        }
    }

    /** The history is about to be read from its beginning. */
    void forgetHistory() {
        history.clear();
    }

    Optional<RolloutState> state(String bot) {
        return Optional.ofNullable(states.get(bot));
    }

    Map<String, RolloutState> states() {
        return Map.copyOf(states);
    }

    Optional<PolicyScorecard> scorecard(String bot, String experiment) {
        return Optional.ofNullable(scorecards.getOrDefault(bot, Map.of()).get(experiment));
    }

    List<RolloutTransition> history(String bot) {
        Deque<RolloutTransition> transitions = history.getOrDefault(bot, new ArrayDeque<>());
        synchronized (transitions) {
            return List.copyOf(transitions);
        }
    }

    List<RefreshProgress> refreshes() {
        return List.copyOf(refreshes.values());
    }
}
