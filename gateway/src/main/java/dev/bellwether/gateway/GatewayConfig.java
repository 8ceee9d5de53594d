package dev.bellwether.gateway;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a gateway is started with, from its environment.
 *
 * @param kafka bootstrap servers
 * @param replication copies of each topic that the gateway creates
 * @param redis URL
 * @param store the policy store's folder
 */
record GatewayConfig(
        String host,
        int port,
        int operatorPort,
        String kafka,
        short replication,
        String redis,
        Path bots,
        Path keys,
        Path tokenKeys,
        Path store) {

    static GatewayConfig from(Map<String, String> environment) {
        return new GatewayConfig(
                environment.getOrDefault("BELLWETHER_HOST", "127.0.0.1"),
                port(environment, "BELLWETHER_PORT", "8080"),
                port(environment, "BELLWETHER_OPERATOR_PORT", "8081"),
                required(environment, "BELLWETHER_KAFKA"),
                Short.parseShort(environment.getOrDefault("BELLWETHER_REPLICATION", "1")),
                required(environment, "BELLWETHER_REDIS"),
                Path.of(required(environment, "BELLWETHER_BOTS")),
                Path.of(required(environment, "BELLWETHER_KEYS")),
                Path.of(required(environment, "BELLWETHER_TOKEN_KEYS")),
                Path.of(required(environment, "BELLWETHER_STORE")));
    }

    private static String required(Map<String, String> environment, String name) {
        @Nullable String value = environment.get(name);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("the environment variable %s is missing".formatted(name));
        }
        return value;
    }

    private static int port(Map<String, String> environment, String name, String otherwise) {
        String value = environment.getOrDefault(name, otherwise);
        if (!value.matches("\\d{1,5}") || Integer.parseInt(value) > 65_535) {
            throw new IllegalArgumentException("%s must be a port, is '%s'".formatted(name, value));
        }
        return Integer.parseInt(value);
    }
}
