package dev.bellwether.trainer.external;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A command that trains the policy in place of PPO: the section {@code external} of a bot's {@code refresh}.
 *
 * @param command program and arguments
 * @param limit after which it is ended
 * @param silenceMax it is ended, too, when it prints nothing for so long
 * @param rewardListen host and port of the reward endpoint, {@code 0} for any that is free
 * @param rewardUrl how others reach it, where that is not by the host and port that it listens on
 */
public record ExternalConfig(
        List<String> command,
        Duration limit,
        Duration silenceMax,
        String rewardListen,
        @Nullable String rewardUrl) {
    private static final String LOOPBACK = "127.0.0.1:0";
    private static final Pattern ADDRESS = Pattern.compile("[^:\\s]+:\\d{1,5}");

    /** With a reward endpoint on the loopback address. */
    public ExternalConfig(List<String> command, Duration limit, Duration silenceMax) {
        this(command, limit, silenceMax, LOOPBACK, null);
    }

    public ExternalConfig {
        command = List.copyOf(command);
        if (command.isEmpty() || !limit.isPositive() || !silenceMax.isPositive()) {
            throw new IllegalArgumentException(
                    "external: command is %s, limit %s and silence_max %s; a command and positive times are needed"
                            .formatted(command, limit, silenceMax));
        }
        if (!ADDRESS.matcher(rewardListen).matches()) {
            throw new IllegalArgumentException(
                    "external: reward_listen is a host and a port, as 0.0.0.0:8090, not '%s'".formatted(rewardListen));
        }
    }

    /** Where the reward endpoint listens. */
    InetSocketAddress rewardAddress() {
        int colon = rewardListen.lastIndexOf(':');
        return new InetSocketAddress(
                rewardListen.substring(0, colon), Integer.parseInt(rewardListen.substring(colon + 1)));
    }

    @JsonCreator
    static ExternalConfig of(
            @JsonProperty("command") @Nullable List<String> command,
            @JsonProperty("limit") @Nullable String limit,
            @JsonProperty("silence_max") @Nullable String silenceMax,
            @JsonProperty("reward_listen") @Nullable String rewardListen,
            @JsonProperty("reward_url") @Nullable String rewardUrl) {
        return new ExternalConfig(
                Optional.ofNullable(command).orElse(List.of()),
                Duration.parse(Optional.ofNullable(limit).orElse("PT12H")),
                Duration.parse(Optional.ofNullable(silenceMax).orElse("PT30M")),
                Optional.ofNullable(rewardListen).orElse(LOOPBACK),
                rewardUrl);
    }
}
