package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The alias that a user was assigned to. */
public enum Arm {
    @JsonProperty("champion")
    CHAMPION,
    @JsonProperty("candidate")
    CANDIDATE
}
