package dev.bellwether.standalone;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;

/**
 * What a supervisor knows of one of its services.
 *
 * @param pid of its present or last process
 * @param restarts how often it was started again after it died
 */
public record ServiceState(String name, long pid, int restarts, Health health, String log) {
    /** Starting until the first passed check of a process's life, dead between its end and the next start. */
    public enum Health {
        @JsonProperty("starting")
        STARTING,
        @JsonProperty("healthy")
        HEALTHY,
        @JsonProperty("unhealthy")
        UNHEALTHY,
        @JsonProperty("dead")
        DEAD;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
