package dev.bellwether.event;

import dev.bellwether.event.RolloutState.Anchor;
import dev.bellwether.event.RolloutState.Evidence;
import dev.bellwether.event.RolloutState.Loads;
import dev.bellwether.event.RolloutState.Phase;
import dev.bellwether.event.RolloutState.Shown;
import dev.bellwether.event.RolloutState.Watch;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a {@link RolloutState}, of another one or of nothing; what is not set stays as it was. */
public final class RolloutStateBuilder {
    private final String bot;
    private long revision;
    private String champion;
    private @Nullable String candidate;
    private @Nullable String previous;
    private Phase phase;
    private int step;
    private double candidateShare;
    private @Nullable String experiment;
    private boolean frozen;
    private long since;
    private long startedAt;
    private @Nullable String held;
    private @Nullable Phase resumesTo;
    private List<String> waiting;
    private List<String> decided;
    private Evidence evidence;
    private @Nullable RolloutSettings settings;
    private @Nullable Watch watch;
    private @Nullable Loads loads;
    private Map<String, Integer> attempts;
    private @Nullable String pinned;
    private @Nullable Anchor anchor;
    private @Nullable Shown shown;
    private @Nullable Shown longRun;

    RolloutStateBuilder(String bot, String champion) {
        this.bot = bot;
        this.champion = champion;
        this.revision = 0;
        this.phase = Phase.IDLE;
        this.step = 0;
        this.candidateShare = 0;
        this.frozen = false;
        this.since = 0;
        this.startedAt = 0;
        this.waiting = List.of();
        this.decided = List.of();
        this.evidence = Evidence.NONE;
        this.attempts = Map.of();
    }

    RolloutStateBuilder(RolloutState state) {
        this.bot = state.bot();
        this.revision = state.revision();
        this.champion = state.champion();
        this.candidate = state.candidate();
        this.previous = state.previous();
        this.phase = state.phase();
        this.step = state.step();
        this.candidateShare = state.candidateShare();
        this.experiment = state.experiment();
        this.frozen = state.frozen();
        this.since = state.since();
        this.startedAt = state.startedAt();
        this.held = state.held();
        this.resumesTo = state.resumesTo();
        this.waiting = state.waiting();
        this.decided = state.decided();
        this.evidence = state.evidence();
        this.settings = state.settings();
        this.watch = state.watch();
        this.loads = state.loads();
        this.attempts = state.attempts();
        this.pinned = state.pinned();
        this.anchor = state.anchor();
        this.shown = state.shown();
        this.longRun = state.longRun();
    }

    public RolloutStateBuilder revision(long value) {
        revision = value;
        return this;
    }

    public RolloutStateBuilder champion(String value) {
        champion = value;
        return this;
    }

    public RolloutStateBuilder candidate(@Nullable String value) {
        candidate = value;
        return this;
    }

    public RolloutStateBuilder previous(@Nullable String value) {
        previous = value;
        return this;
    }

    public RolloutStateBuilder phase(Phase value) {
        phase = value;
        return this;
    }

    public RolloutStateBuilder step(int value) {
        step = value;
        return this;
    }

    public RolloutStateBuilder candidateShare(double value) {
        candidateShare = value;
        return this;
    }

    public RolloutStateBuilder experiment(@Nullable String value) {
        experiment = value;
        return this;
    }

    public RolloutStateBuilder frozen(boolean value) {
        frozen = value;
        return this;
    }

    public RolloutStateBuilder since(long value) {
        since = value;
        return this;
    }

    public RolloutStateBuilder startedAt(long value) {
        startedAt = value;
        return this;
    }

    public RolloutStateBuilder held(@Nullable String value) {
        held = value;
        return this;
    }

    public RolloutStateBuilder resumesTo(@Nullable Phase value) {
        resumesTo = value;
        return this;
    }

    public RolloutStateBuilder waiting(List<String> value) {
        waiting = value;
        return this;
    }

    public RolloutStateBuilder decided(List<String> value) {
        decided = value;
        return this;
    }

    public RolloutStateBuilder evidence(Evidence value) {
        evidence = value;
        return this;
    }

    public RolloutStateBuilder settings(@Nullable RolloutSettings value) {
        settings = value;
        return this;
    }

    public RolloutStateBuilder watch(@Nullable Watch value) {
        watch = value;
        return this;
    }

    public RolloutStateBuilder loads(@Nullable Loads value) {
        loads = value;
        return this;
    }

    public RolloutStateBuilder attempts(Map<String, Integer> value) {
        attempts = value;
        return this;
    }

    public RolloutStateBuilder pinned(@Nullable String value) {
        pinned = value;
        return this;
    }

    public RolloutStateBuilder anchor(@Nullable Anchor value) {
        anchor = value;
        return this;
    }

    public RolloutStateBuilder shown(@Nullable Shown value) {
        shown = value;
        return this;
    }

    public RolloutStateBuilder longRun(@Nullable Shown value) {
        longRun = value;
        return this;
    }

    public RolloutState build() {
        return new RolloutState(
                Event.SCHEMA,
                bot,
                revision,
                champion,
                candidate,
                previous,
                phase,
                step,
                candidateShare,
                experiment,
                frozen,
                since,
                startedAt,
                held,
                resumesTo,
                waiting,
                decided,
                evidence,
                settings,
                watch,
                loads,
                attempts,
                pinned,
                anchor,
                shown,
                longRun);
    }
}
