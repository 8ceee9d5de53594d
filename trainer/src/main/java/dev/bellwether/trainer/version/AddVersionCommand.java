package dev.bellwether.trainer.version;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.PrivateNetworks;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import dev.bellwether.trainer.release.ImportedCheckpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code version add}: a checkpoint or an upstream service as a version of a bot. */
@Command(
        name = "add",
        description = "Add a version: a Hugging Face checkpoint, or an OpenAI-compatible service.",
        footer = {
            "",
            "A service that asks for a key is given the NAME of what holds it, never the key:",
            "  ./bellwether version add support v1 --upstream https://api.example.com/v1 --model large --key-env EXAMPLE_KEY",
            "Two prompts against each other: add two versions that differ in --system, and start a rollout of the second."
        })
final class AddVersionCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Mixin
    private Place place = new Place();

    @Parameters(index = "1", paramLabel = "VERSION", description = "Name of the new version.")
    private String version = "";

    @ArgGroup(multiplicity = "1")
    private Source source = new Source();

    /** One of the two. */
    static final class Source {
        @ArgGroup(exclusive = false)
        private @Nullable Weights weights;

        @ArgGroup(exclusive = false)
        private @Nullable Upstream upstream;
    }

    /** A model's files. */
    static final class Weights {
        @Option(names = "--checkpoint", required = true, description = "Hugging Face checkpoint folder.")
        private Path checkpoint = Path.of("");

        @Option(
                names = "--adapter",
                description = "PEFT folder of low-rank adapters of the checkpoint, merged into its weights.")
        private Optional<Path> adapter = Optional.empty();
    }

    /** What {@code upstream.json} will say. */
    static final class Upstream {
        @Option(
                names = "--upstream",
                required = true,
                description = "Base address of the service, to which /chat/completions is added.")
        private String url = "";

        @Option(names = "--model", required = true, description = "What the service calls the model.")
        private String model = "";

        @Option(names = "--key-env", description = "Environment variable of the gateway that holds the service's key.")
        private @Nullable String keyVariable;

        @Option(names = "--key-file", description = "File that holds the service's key, where the gateway runs.")
        private @Nullable String keyFile;

        @Option(names = "--key-header", description = "Header of the key (Authorization: Bearer KEY).")
        private @Nullable String keyHeader;

        @Option(names = "--system", description = "Instructions before every conversation; @FILE reads them.")
        private @Nullable String system;

        @Option(names = "--replace-system", description = "In place of the caller's own instructions.")
        private boolean replaceSystem;

        @Option(names = "--few-shot", description = "File with a JSON list of example turns.")
        private @Nullable Path fewShot;

        @Option(
                names = "--sampling",
                description = "A field of the request where the caller sets none, as temperature=0.3.")
        private Map<String, String> sampling = new LinkedHashMap<>();

        @Option(
                names = "--limit",
                description =
                        "connect, first_token, between_tokens, reply (as PT20S), concurrent, per_second, retries.")
        private Map<String, String> limits = new LinkedHashMap<>();

        @Option(names = "--no-stream-usage", description = "Do not ask the service for token counts in streams.")
        private boolean noStreamUsage;

        @Option(names = "--follow-redirects", description = "Follow redirects within the service's own origin.")
        private boolean followRedirects;

        @Option(
                names = "--private",
                description = "The service is on this machine or in a private network; refused otherwise.")
        private boolean privateAddresses;
    }

    @Override
    public Integer call() throws IOException {
        PolicyStore store = place.store();
        if (store.contains(place.bot(), version)) {
            spec.commandLine()
                    .getErr()
                    .printf("the store has a version %s of %s already; name another%n", version, place.bot());
            return 2;
        }
        Path path = source.weights != null
                ? imported(store, source.weights)
                : upstream(store, source.upstream == null ? new Upstream() : source.upstream);
        spec.commandLine().getOut().printf("version %s of %s in %s%n", version, place.bot(), path);
        return 0;
    }

    private Path imported(PolicyStore store, Weights weights) throws IOException {
        ImportedCheckpoint imported =
                ImportedCheckpoint.publish(store, place.bot(), version, weights.checkpoint, weights.adapter);
        imported.warnings().forEach(warning -> spec.commandLine().getErr().println("warning: " + warning));
        return imported.path();
    }

    private Path upstream(PolicyStore store, Upstream options) throws IOException {
        UpstreamConfig config;
        try {
            config = UpstreamConfig.parse(json(options).toString());
        } catch (IllegalArgumentException | JsonProcessingException e) {
            throw new ParameterException(spec.commandLine(), reason(e));
        }
        if (!config.privateAddresses() && isPrivate(config.url().getHost())) {
            throw new ParameterException(
                    spec.commandLine(),
                    "%s is on this machine or in a private network; say --private if it is meant to be"
                            .formatted(config.url().getHost()));
        }
        return store.publish(
                ArtefactLabel.added(place.bot(), version, ArtefactKind.UPSTREAM, Instant.now()), config::write);
    }

    /** What cannot be looked up here may be known where the gateway runs, which looks itself. */
    private static boolean isPrivate(String host) {
        try {
            return PrivateNetworks.contain(InetAddress.getByName(host));
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** What the reader of the description said, without where in the JSON it was. */
    private static String reason(Exception failure) {
        Throwable cause = failure;
        while (!(cause instanceof IllegalArgumentException) && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause instanceof JsonProcessingException json
                ? json.getOriginalMessage()
                : String.valueOf(cause.getMessage());
    }

    private static ObjectNode json(Upstream options) throws IOException {
        ObjectNode json = JSON.createObjectNode();
        json.put("url", options.url).put("model", options.model);
        if (options.keyVariable != null || options.keyFile != null) {
            json.putObject("key")
                    .put("environment", options.keyVariable)
                    .put("file", options.keyFile)
                    .put("header", options.keyHeader);
        }
        if (options.system != null) {
            json.put(
                    "system",
                    options.system.startsWith("@")
                            ? Files.readString(Path.of(options.system.substring(1)))
                            : options.system);
        }
        if (options.fewShot != null) {
            JsonNode turns = JSON.readTree(options.fewShot.toFile());
            if (!(turns instanceof ArrayNode)) {
                throw new IllegalArgumentException(
                        "%s holds no JSON list of turns with role and content".formatted(options.fewShot));
            }
            json.set("few_shot", turns);
        }
        options.sampling.forEach(
                (field, value) -> json.withObjectProperty("sampling").set(field, value(value)));
        options.limits.forEach(
                (limit, value) -> json.withObjectProperty("limits").set(limit, value(value)));
        return json.put("replace_system", options.replaceSystem)
                .put("stream_usage", !options.noStreamUsage)
                .put("follow_redirects", options.followRedirects)
                .put("private_addresses", options.privateAddresses);
    }

    /** JSON where it is JSON, else a text. */
    private static JsonNode value(String text) {
        try {
            JsonNode parsed = JSON.readTree(text);
            return parsed.isMissingNode() ? JSON.getNodeFactory().textNode(text) : parsed;
        } catch (JsonProcessingException e) {
            return JSON.getNodeFactory().textNode(text);
        }
    }
}
