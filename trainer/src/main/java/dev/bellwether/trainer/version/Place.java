package dev.bellwether.trainer.version;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.bellwether.policy.checkpoint.PolicyStore;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A bot, where its versions are, and which of them are in use: what every version command is told. */
final class Place {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final YAMLMapper YAML = new YAMLMapper();
    private static final Duration LIMIT = Duration.ofSeconds(10);

    @Parameters(index = "0", paramLabel = "BOT", description = "Bot, as in bots.yaml.")
    private String bot = "";

    @Option(
            names = "--data",
            defaultValue = ".bellwether",
            description = "The installation's folder (${DEFAULT-VALUE}).")
    private Path data = Path.of(".bellwether");

    @Option(names = "--store", description = "Another policy store than DATA/store.")
    private @Nullable Path store;

    String bot() {
        return bot;
    }

    PolicyStore store() {
        return new PolicyStore(store == null ? data.resolve("store") : store);
    }

    /** The version of a bot that {@code bots.yaml} starts from, where there is such a file. */
    Optional<String> configuredChampion() throws IOException {
        Path file = data.resolve("config").resolve("bots.yaml");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode champion = YAML.readTree(file.toFile()).path("bots").path(bot).path("champion");
        return champion.isTextual() ? Optional.of(champion.textValue()) : Optional.empty();
    }

    /**
     * Why {@code version} must stay: what names it, in words. A running installation is asked for its rollout.
     *
     * @throws IOException when one runs and does not answer
     */
    List<String> uses(String version) throws IOException, InterruptedException {
        List<String> uses = new ArrayList<>();
        Path file = data.resolve("config").resolve("bots.yaml");
        if (Files.exists(file)) {
            JsonNode settings = YAML.readTree(file.toFile()).path("bots").path(bot);
            if (settings.path("champion").asText().equals(version)) {
                uses.add("bots.yaml names it as the champion");
            }
            for (JsonNode fallback : settings.path("serving").path("fallbacks")) {
                if (fallback.asText().equals(version)) {
                    uses.add("bots.yaml names it as a fallback");
                }
            }
        }
        for (String adapters : store().adaptersOf(bot, version)) {
            uses.add("version %s holds adapters of it".formatted(adapters));
        }
        JsonNode rollout = rollout();
        for (String role : List.of("champion", "candidate", "previous", "pinned")) {
            if (rollout.path(role).asText().equals(version)) {
                uses.add("it is the %s of the rollout".formatted(role));
            }
        }
        if (rollout.path("anchor").path("version").asText().equals(version)) {
            uses.add("the hold-out stays on it");
        }
        for (JsonNode waiting : rollout.path("waiting")) {
            if (waiting.asText().equals(version)) {
                uses.add("it waits for a rollout");
            }
        }
        return uses;
    }

    private JsonNode rollout() throws IOException, InterruptedException {
        Path running = data.resolve("run.json");
        if (!Files.exists(running)) {
            return JSON.createObjectNode();
        }
        JsonNode run = JSON.readTree(running.toFile());
        String key = Files.readString(Path.of(run.path("operator_key_file").asText()))
                .strip();
        String url = run.path("operator_url").asText();
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/operator/v1/bots/" + bot))
                .timeout(LIMIT)
                .header("authorization", "Bearer " + key)
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            return response.statusCode() == 200
                    ? JSON.readTree(response.body()).path("rollout")
                    : JSON.createObjectNode();
        } catch (IOException e) {
            throw new IOException(
                    "the installation in %s does not say what it uses (%s); stop it or let it come up first"
                            .formatted(data, e.getMessage()),
                    e);
        }
    }
}
