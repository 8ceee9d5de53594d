package dev.bellwether.event;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Who judged. */
public enum Source {
    @JsonProperty("end_user")
    END_USER,
    @JsonProperty("operator")
    OPERATOR,
    @JsonProperty("reviewer")
    REVIEWER,
    @JsonProperty("ai")
    AI
}
