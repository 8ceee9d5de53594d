package dev.bellwether.simulation.benchmark;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The floor of {@code bench feedback}, a program of its own: takes a body and answers 202 when Kafka has it, with the
 * gateway's own promises of durability and none of its checks.
 */
final class BareEndpoint {
    static final String TOPIC = "bare-endpoint";

    private BareEndpoint() {}

    /** @param arguments port and bootstrap servers */
    public static void main(String[] arguments) {
        KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        arguments[1],
                        ProducerConfig.ACKS_CONFIG,
                        "all",
                        ProducerConfig.LINGER_MS_CONFIG,
                        0,
                        ProducerConfig.MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,
                        1),
                new StringSerializer(),
                new ByteArraySerializer());
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setPreferNativeTransport(true));
        var _ = vertx.createHttpServer()
                .requestHandler(request -> take(vertx, producer, request))
                .listen(Integer.parseInt(arguments[0]), "127.0.0.1");
    }

    private static void take(Vertx vertx, KafkaProducer<String, byte[]> producer, HttpServerRequest request) {
        var context = vertx.getOrCreateContext();
        request.bodyHandler(body -> {
            String id = UUID.randomUUID().toString();
            var _ = producer.send(
                    new ProducerRecord<>(TOPIC, id, body.getBytes()),
                    (metadata, failure) -> context.runOnContext(_ -> {
                        var _ = request.response()
                                .setStatusCode(failure == null ? 202 : 503)
                                .end("{\"feedback_id\":\"" + id + "\"}");
                    }));
        });
    }
}
