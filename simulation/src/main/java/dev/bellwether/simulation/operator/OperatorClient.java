package dev.bellwether.simulation.operator;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.EventJson;
import dev.bellwether.event.RefreshProgress;
import dev.bellwether.event.RolloutState;
import dev.bellwether.event.RolloutTransition;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Calls a gateway's operators' port. */
public final class OperatorClient implements AutoCloseable {
    private static final ObjectMapper JSON = EventJson.mapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(300);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(TIMEOUT)
            .build();
    private final URI url;
    private final String key;

    public OperatorClient(URI url, String key) {
        this.url = url;
        this.key = key.strip();
    }

    /** What operators may tell a rollout to do. */
    public enum Command {
        START,
        PAUSE,
        RESUME,
        APPROVE,
        PROMOTE,
        ABORT,
        FREEZE,
        UNFREEZE,
        PIN,
        UNPIN,
        ANCHOR
    }

    /**
     * A bot's rollout as the gateway knows it.
     *
     * @param json all that the gateway said, the scorecard of the rollout under way included
     */
    public record Status(RolloutState rollout, JsonNode json) {}

    public Status status(String bot) throws IOException, InterruptedException {
        JsonNode json = call("GET", "/bots/" + bot, null, null);
        return new Status(JSON.treeToValue(json.path("rollout"), RolloutState.class), json);
    }

    /** The rollout's transitions so far, oldest first. */
    public List<RolloutTransition> history(String bot) throws IOException, InterruptedException {
        return list(call("GET", "/bots/" + bot + "/events", null, null).path("transitions"), RolloutTransition.class);
    }

    /** What the trainer reported of its refreshes. */
    public List<RefreshProgress> refreshes() throws IOException, InterruptedException {
        return list(call("GET", "/refreshes", null, null).path("refreshes"), RefreshProgress.class);
    }

    private static <T> List<T> list(JsonNode json, Class<T> type) throws IOException {
        List<T> values = new ArrayList<>();
        for (JsonNode each : json) {
            values.add(JSON.treeToValue(each, type));
        }
        return values;
    }

    /** Asks the trainer for a refresh; returns the request's id. */
    public String refresh(String bot) throws IOException, InterruptedException {
        return call("POST", "/bots/" + bot + "/refresh", JsonNodeFactory.instance.objectNode(), null)
                .path("request_id")
                .asText();
    }

    /**
     * Gives a command to the rollout at {@code revision}; it is carried out later, if the rollout's phase allows.
     *
     * @param version what it is about; none for the version that is waiting or being tried
     */
    public void command(String bot, Command command, @Nullable String version, String why, long revision)
            throws IOException, InterruptedException {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("why", why);
        if (version != null) {
            body.put("version", version);
        }
        call("POST", "/bots/%s/rollout/%s".formatted(bot, command.name().toLowerCase(Locale.ROOT)), body, revision);
    }

    /** The status once its revision is beyond {@code revision}, or as it is when {@code limit} is over. */
    public Status awaitChange(String bot, long revision, Duration limit) throws IOException, InterruptedException {
        long start = System.nanoTime();
        Status status = status(bot);
        while (status.rollout().revision() <= revision && System.nanoTime() - start < limit.toNanos()) {
            Thread.sleep(LOOK_AGAIN);
            status = status(bot);
        }
        return status;
    }

    /** The status once the gateway serves by it, or as it is when {@code limit} is over. */
    public Status awaitEffective(String bot, Status announced, Duration limit)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        Status status = announced;
        while (status.json().path("effective_revision").asLong()
                        < status.rollout().revision()
                && System.nanoTime() - start < limit.toNanos()) {
            Thread.sleep(LOOK_AGAIN);
            status = status(bot);
        }
        return status;
    }

    private JsonNode call(String method, String path, @Nullable ObjectNode body, @Nullable Long ifMatch)
            throws IOException, InterruptedException {
        String base = url.toString().replaceAll("/+$", "");
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + "/operator/v1" + path))
                .timeout(TIMEOUT)
                .header("authorization", "Bearer " + key)
                .header("content-type", "application/json")
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body.toString()));
        if (ifMatch != null) {
            request.header("if-match", "\"" + ifMatch + "\"");
        }
        HttpResponse<String> response;
        try {
            response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new OperatorException(
                    "no_response", "no gateway answers operators at %s: is it running? (%s)".formatted(url, e));
        }
        JsonNode json = parse(response.body());
        if (response.statusCode() / 100 != 2) {
            throw new OperatorException(
                    json.path("code").asText("http_" + response.statusCode()),
                    json.path("detail").asText("the gateway answered with status " + response.statusCode()));
        }
        return json;
    }

    private static JsonNode parse(String body) {
        try {
            return JSON.readTree(body);
        } catch (JacksonException e) {
            return JsonNodeFactory.instance.objectNode();
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
