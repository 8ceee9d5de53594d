package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What an artefact of the store is. */
public enum ArtefactKind {
    /** Weights, served by the gateway's own engine. */
    @JsonProperty("checkpoint")
    CHECKPOINT,
    /** Low-rank adapters of another version's weights, served with them by the gateway's own engine. */
    @JsonProperty("adapter")
    ADAPTER,
    /** The description of an OpenAI-compatible service. */
    @JsonProperty("upstream")
    UPSTREAM,
    /** A model that scores replies; it is no version that could serve. */
    @JsonProperty("reward")
    REWARD;

    /** Whether it is a model of ours that writes replies. */
    public boolean policy() {
        return this == CHECKPOINT || this == ADAPTER;
    }
}
