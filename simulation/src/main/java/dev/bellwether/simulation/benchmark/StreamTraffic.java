package dev.bellwether.simulation.benchmark;

import dev.bellwether.event.Arm;
import dev.bellwether.event.AssignmentReason;
import dev.bellwether.event.Event;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Interaction;
import dev.bellwether.event.Message;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.topic.Topic;
import dev.bellwether.topic.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Interactions as a gateway writes them, some ten to a prompt, a tenth of them judged by a thumb. Every other one is the
 * first of its conversation.
 */
final class StreamTraffic implements AutoCloseable {
    /** One of so many is judged. */
    static final int JUDGED_OF = 10;

    private static final int USERS = 100_000;
    private static final Duration BACK = Duration.ofHours(12);
    private final KafkaProducer<String, byte[]> producer;
    private final Random random = new Random(5);
    private final int prompts;

    /** @param prompts how many different ones there are */
    StreamTraffic(String kafka, int prompts) {
        this.prompts = prompts;
        this.producer = new KafkaProducer<>(
                Map.of(
                        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                        kafka,
                        ProducerConfig.LINGER_MS_CONFIG,
                        20,
                        ProducerConfig.BATCH_SIZE_CONFIG,
                        256 << 10),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    /** Writes {@code interactions} and their judgements; how many records that were. */
    long write(long interactions) {
        long written = 0;
        for (long i = 0; i < interactions; i++) {
            Interaction interaction = interaction();
            send(Topics.INTERACTIONS, interaction.interactionId(), interaction);
            written++;
            if (i % JUDGED_OF == 0) {
                Feedback judgement = judgement(interaction);
                send(Topics.FEEDBACK, judgement.interactionId(), judgement);
                written++;
            }
        }
        producer.flush();
        return written;
    }

    private <E extends Event> void send(Topic<E> topic, String key, E event) {
        byte[] bytes = topic.valueSerde().serializer().serialize(topic.name(), event);
        var _ = producer.send(new ProducerRecord<>(topic.name(), key, bytes));
    }

    private Interaction interaction() {
        long time = System.currentTimeMillis() - random.nextLong(BACK.toMillis());
        String id = new UUID(time << 16 | 0x7000 | random.nextInt(1 << 12), Long.MIN_VALUE | random.nextLong() >>> 2)
                .toString();
        String question = "Where is the card number %d that I ordered?".formatted(random.nextInt(prompts));
        return new Interaction(
                Event.SCHEMA,
                id,
                "support",
                random.nextBoolean() ? id : UUID.randomUUID().toString(),
                "%032x".formatted(random.nextInt(USERS)),
                List.of(new Message("user", question)),
                List.of(new Reply(reply(), "v1", 0, "stop", 20, 60, .7, 1)),
                null,
                Arm.CHAMPION,
                0,
                AssignmentReason.DEFAULT,
                true,
                40,
                time,
                Map.of(),
                null,
                null);
    }

    private String reply() {
        return "I am sorry that you have to wait. It was posted on day %d, takes five working days, and can be followed in the app under 'cards'; is there anything else that I can do for you today?"
                .formatted(random.nextInt(1_000));
    }

    private Feedback judgement(Interaction of) {
        return new Feedback(
                Event.SCHEMA,
                of.interactionId() + "." + "%032x".formatted(random.nextLong() >>> 1),
                of.interactionId(),
                0,
                of.userHash(),
                Source.END_USER,
                new Thumb(random.nextBoolean(), List.of(), null),
                null,
                of.time() + 1_000);
    }

    @Override
    public void close() {
        producer.close();
    }
}
