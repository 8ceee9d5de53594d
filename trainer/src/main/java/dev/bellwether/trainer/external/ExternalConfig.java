package dev.bellwether.trainer.external;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A command that trains the policy in place of PPO: the section {@code external} of a bot's {@code refresh}.
 *
 * @param command program and arguments
 * @param limit after which it is ended
 * @param silenceMax it is ended, too, when it prints nothing for so long
 */
public record ExternalConfig(List<String> command, Duration limit, Duration silenceMax) {
    public ExternalConfig {
        command = List.copyOf(command);
        if (command.isEmpty() || !limit.isPositive() || !silenceMax.isPositive()) {
            throw new IllegalArgumentException(
                    "external: command is %s, limit %s and silence_max %s; a command and positive times are needed"
                            .formatted(command, limit, silenceMax));
        }
    }

    @JsonCreator
    static ExternalConfig of(
            @JsonProperty("command") @Nullable List<String> command,
            @JsonProperty("limit") @Nullable String limit,
            @JsonProperty("silence_max") @Nullable String silenceMax) {
        return new ExternalConfig(
                Optional.ofNullable(command).orElse(List.of()),
                Duration.parse(Optional.ofNullable(limit).orElse("PT12H")),
                Duration.parse(Optional.ofNullable(silenceMax).orElse("PT30M")));
    }
}
