package dev.bellwether.stream;

import dev.bellwether.event.DeadLetter;
import dev.bellwether.topic.Topics;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProcessingExceptionHandler;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;
import org.apache.kafka.streams.processor.api.Record;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts records aside that nobody can use, with why, so that the stream goes on: those that cannot be read or that make a
 * step throw. An outcome that no topic takes would fail the transaction: steps look at the size of what they forward.
 */
public final class DeadLetters
        implements DeserializationExceptionHandler, ProcessingExceptionHandler, ProductionExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetters.class);

    /** So much of a key goes into a letter: it must be within what its topic takes, or it would make a letter itself. */
    private static final int KEY_BYTES_MAX = 1 << 10;

    @Override
    public void configure(Map<String, ?> settings) {}

    @Override
    public DeserializationExceptionHandler.Response handleError(
            ErrorHandlerContext context, ConsumerRecord<byte[], byte[]> record, Exception failure) {
        return DeserializationExceptionHandler.Response.resume(List.of(
                letter(record.topic(), record.partition(), record.offset(), record.key(), record.value(), failure)));
    }

    @Override
    public ProcessingExceptionHandler.Response handleError(
            ErrorHandlerContext context, @Nullable Record<?, ?> record, Exception failure) {
        if (context.topic() == null) {
            LOG.error("a step failed that no record caused", failure);
            return ProcessingExceptionHandler.Response.resume();
        }
        return ProcessingExceptionHandler.Response.resume(List.of(letter(
                context.topic(),
                context.partition(),
                context.offset(),
                context.sourceRawKey(),
                context.sourceRawValue(),
                failure)));
    }

    @Override
    public ProductionExceptionHandler.Response handleError(
            ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception failure) {
        if (failure instanceof RecordTooLargeException) {
            return ProductionExceptionHandler.Response.resume(
                    List.of(letter(record.topic(), -1, -1, record.key(), record.value(), failure)));
        }
        return failure instanceof RetriableException
                ? ProductionExceptionHandler.Response.retry()
                : ProductionExceptionHandler.Response.fail();
    }

    private static ProducerRecord<byte[], byte[]> letter(
            String topic,
            int partition,
            long offset,
            byte @Nullable [] key,
            byte @Nullable [] value,
            Exception failure) {
        String reason = reason(failure);
        LOG.warn("record {} of partition {} of {} is put aside: {}", offset, partition, topic, reason);
        DeadLetter letter =
                DeadLetter.of(topic, partition, offset, Objects.requireNonNullElse(value, new byte[0]), reason);
        return new ProducerRecord<>(
                Topics.DEAD_LETTERS.name(),
                key == null || key.length <= KEY_BYTES_MAX ? key : Arrays.copyOf(key, KEY_BYTES_MAX),
                Topics.DEAD_LETTERS.valueSerde().serializer().serialize(Topics.DEAD_LETTERS.name(), letter));
    }

    /** What the cause itself says; where it says nothing, what it is. */
    private static String reason(Throwable failure) {
        String message = failure.getMessage();
        return message == null ? failure.getClass().getSimpleName() : message;
    }
}
