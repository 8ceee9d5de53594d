package dev.bellwether.gateway;

import com.sun.management.OperatingSystemMXBean;
import dev.bellwether.gateway.bots.MemorySize;
import dev.bellwether.topic.Layout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a gateway is started with, from its environment.
 *
 * @param kafka bootstrap servers
 * @param topics how topics lie that the gateway creates
 * @param redis URL
 * @param store the policy store's folder
 * @param data folder of this gateway's own: what it keeps while Kafka is away
 * @param proxies addresses and networks whose {@code x-forwarded-for} is believed
 * @param bodyBytesMax largest body of a chat
 * @param privateUpstreams whether upstreams may be on this machine or in private networks, if their version says so
 * @param modelBytesMax memory that all loaded models may take together
 * @param spoolBytesMax of what waits on the disk for Kafka
 * @param variable the environment, by name, for upstreams' keys
 */
record GatewayConfig(
        String host,
        int port,
        int operatorPort,
        String kafka,
        Layout topics,
        String redis,
        Path bots,
        Path keys,
        Path tokenKeys,
        Path store,
        Path data,
        List<String> proxies,
        int bodyBytesMax,
        boolean privateUpstreams,
        long modelBytesMax,
        long spoolBytesMax,
        Function<String, @Nullable String> variable) {

    /** Of the machine's memory, or the container's. */
    private static final double MODELS_SHARE = .6;

    static GatewayConfig from(Map<String, String> environment) {
        return new GatewayConfig(
                environment.getOrDefault("BELLWETHER_HOST", "127.0.0.1"),
                port(environment, "BELLWETHER_PORT", "8080"),
                port(environment, "BELLWETHER_OPERATOR_PORT", "8081"),
                required(environment, "BELLWETHER_KAFKA"),
                new Layout(
                        (short) number(environment, "BELLWETHER_REPLICATION", Layout.DEFAULT.replication(), 100),
                        number(environment, "BELLWETHER_PARTITIONS", Layout.DEFAULT.partitions(), 10_000)),
                required(environment, "BELLWETHER_REDIS"),
                Path.of(required(environment, "BELLWETHER_BOTS")),
                Path.of(required(environment, "BELLWETHER_KEYS")),
                Path.of(required(environment, "BELLWETHER_TOKEN_KEYS")),
                Path.of(required(environment, "BELLWETHER_STORE")),
                Path.of(required(environment, "BELLWETHER_DATA")),
                list(environment.getOrDefault("BELLWETHER_TRUSTED_PROXIES", "")),
                number(environment, "BELLWETHER_BODY_BYTES_MAX", 1_000_000, 64 << 20),
                flag(environment, "BELLWETHER_PRIVATE_UPSTREAMS", true),
                modelBytesMax(environment),
                MemorySize.parse("BELLWETHER_SPOOL_MAX", environment.getOrDefault("BELLWETHER_SPOOL_MAX", "1GB")),
                environment::get);
    }

    private static String required(Map<String, String> environment, String name) {
        @Nullable String value = environment.get(name);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("the environment variable %s is missing".formatted(name));
        }
        return value;
    }

    private static long modelBytesMax(Map<String, String> environment) {
        String name = "BELLWETHER_MODEL_MEMORY";
        @Nullable String value = environment.get(name);
        if (value != null && !value.isBlank()) {
            return MemorySize.parse(name, value);
        }
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return (long) (system.getTotalMemorySize() * MODELS_SHARE);
    }

    private static List<String> list(String text) {
        return Arrays.stream(text.split(","))
                .map(String::strip)
                .filter(each -> !each.isEmpty())
                .toList();
    }

    private static int number(Map<String, String> environment, String name, int otherwise, int most) {
        String value = environment.getOrDefault(name, Integer.toString(otherwise));
        if (!value.matches("\\d{1,9}") || Integer.parseInt(value) < 1 || Integer.parseInt(value) > most) {
            throw new IllegalArgumentException(
                    "%s must be a number from 1 to %d, is '%s'".formatted(name, most, value));
        }
        return Integer.parseInt(value);
    }

    private static boolean flag(Map<String, String> environment, String name, boolean otherwise) {
        String value = environment.getOrDefault(name, Boolean.toString(otherwise));
        if (!value.matches("true|false")) {
            throw new IllegalArgumentException("%s must be true or false, is '%s'".formatted(name, value));
        }
        return Boolean.parseBoolean(value);
    }

    private static int port(Map<String, String> environment, String name, String otherwise) {
        String value = environment.getOrDefault(name, otherwise);
        if (!value.matches("\\d{1,5}") || Integer.parseInt(value) > 65_535) {
            throw new IllegalArgumentException("%s must be a port, is '%s'".formatted(name, value));
        }
        return Integer.parseInt(value);
    }
}
