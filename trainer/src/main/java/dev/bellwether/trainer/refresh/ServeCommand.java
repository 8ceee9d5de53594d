package dev.bellwether.trainer.refresh;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.sun.net.httpserver.HttpServer;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.settings.Champion;
import dev.bellwether.settings.WatchedFile;
import dev.bellwether.topic.Layout;
import dev.bellwether.topic.Topics;
import dev.bellwether.trainer.option.Count;
import dev.bellwether.trainer.option.Port;
import dev.bellwether.trainer.option.Replication;
import dev.bellwether.trainer.refresh.RefreshService.BotRefresh;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code train serve}: the trainer as a service. */
@Command(name = "serve", description = "Refresh bots whenever enough feedback has come.")
public final class ServeCommand implements Callable<Integer> {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    @Option(
            names = "--kafka",
            required = true,
            defaultValue = "${env:BELLWETHER_KAFKA}",
            description = "Bootstrap servers.")
    private String kafka = "";

    @Option(names = "--bots", required = true, defaultValue = "${env:BELLWETHER_BOTS}", description = "bots.yaml.")
    private Path bots = Path.of("");

    @Option(names = "--store", required = true, defaultValue = "${env:BELLWETHER_STORE}", description = "Policy store.")
    private Path store = Path.of("");

    @Option(names = "--data", required = true, defaultValue = "${env:BELLWETHER_DATA}", description = "Own folder.")
    private Path data = Path.of("");

    @Option(
            names = "--health-port",
            defaultValue = "${env:BELLWETHER_HEALTH_PORT:-8083}",
            converter = Port.class,
            description = "Port of /readyz.")
    private int healthPort;

    @Option(
            names = "--replication",
            defaultValue = "${env:BELLWETHER_REPLICATION:-1}",
            converter = Replication.class,
            description = "Copies of each topic (${DEFAULT-VALUE}).")
    private short replication;

    @Option(
            names = "--partitions",
            defaultValue = "${env:BELLWETHER_PARTITIONS:-4}",
            converter = Count.class,
            description = "of each topic that is created (default: ${DEFAULT-VALUE})")
    private int partitions;

    private record BotsFile(@JsonProperty(required = true) Map<String, @Nullable Sections> bots) {}

    private record Sections(
            @JsonProperty(required = true) @Nullable String champion,
            @Nullable JsonNode chat,
            @Nullable JsonNode serving,
            @Nullable JsonNode privacy,
            @Nullable JsonNode rollout,
            @Nullable JsonNode refresh) {
        private static final Sections NONE = new Sections(null, null, null, null, null, null);

        /** The versions that answer when the champion does not. */
        private List<String> fallbacks() {
            return serving == null
                    ? List.of()
                    : serving.path("fallbacks")
                            .valueStream()
                            .map(JsonNode::asText)
                            .toList();
        }

        /** The section {@code refresh}; rollouts are sampled as the bot's replies are, unless it says otherwise. */
        private RefreshConfig settings() throws JsonProcessingException {
            ObjectNode settings = YAML.createObjectNode();
            for (String shared : List.of("temperature", "top_p", "completion_tokens_max")) {
                if (chat != null && chat.hasNonNull(shared)) {
                    settings.set(shared, chat.get(shared));
                }
            }
            if (refresh != null) {
                refresh.properties().forEach(entry -> settings.set(entry.getKey(), entry.getValue()));
            }
            return YAML.treeToValue(settings, RefreshConfig.class);
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, kafka))) {
            Topics.ensure(admin, new Layout(replication, partitions));
        }
        HttpServer health = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), healthPort), 0);
        health.createContext("/readyz", exchange -> {
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        WatchedFile<Map<String, BotRefresh>> watched = new WatchedFile<>(bots, ServeCommand::read).watch();
        RefreshService service =
                new RefreshService(kafka, watched::value, new PolicyStore(store), data, Clock.systemUTC());
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(service::close));
        health.start();
        service.run();
        return 0;
    }

    static Map<String, BotRefresh> read(String text) throws IOException {
        Map<String, BotRefresh> bots = new HashMap<>();
        for (Map.Entry<String, @Nullable Sections> bot :
                YAML.readValue(text, BotsFile.class).bots().entrySet()) {
            Sections sections = Objects.requireNonNullElse(bot.getValue(), Sections.NONE);
            String champion = Champion.of(bot.getKey(), sections.champion());
            bots.put(bot.getKey(), new BotRefresh(champion, sections.fallbacks(), sections.settings()));
        }
        return bots;
    }
}
