package dev.bellwether.gateway.rollout;

import dev.bellwether.event.PolicyScorecard;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** What is known of rollouts and refreshes, by bot. */
final class RolloutView {
    private static final int HISTORY_MAX = 200;

    private final Map<String, RolloutState> states = new ConcurrentHashMap<>();
    private final Map<String, PolicyScorecard> scorecards = new ConcurrentHashMap<>();
    private final Map<String, Deque<RolloutTransition>> history = new ConcurrentHashMap<>();
    private final Map<String, RefreshProgress> refreshes = new ConcurrentHashMap<>();

    void announce(RolloutState state) {
        states.put(state.bot(), state);
    }

    void count(PolicyScorecard card) {
        scorecards.put(card.bot(), card);
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

    Optional<PolicyScorecard> scorecard(String bot) {
        return Optional.ofNullable(scorecards.get(bot));
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
