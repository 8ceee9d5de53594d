package dev.bellwether.topic;

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import dev.bellwether.event.Event;
import dev.bellwether.event.EventJson;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** Writes and reads one type of event as JSON; a form it does not know is an error that names it. */
public final class EventSerde<E extends Event> implements Serde<E> {
    private final Class<E> type;
    private final ObjectReader reader;
    private final ObjectWriter writer;

    public EventSerde(Class<E> type) {
        this.type = type;
        this.reader = EventJson.mapper().readerFor(type);
        this.writer = EventJson.mapper().writerFor(type);
    }

    @Override
    public Serializer<E> serializer() {
        return (topic, event) -> event == null ? null : write(event);
    }

    @Override
    public Deserializer<E> deserializer() {
        return (topic, bytes) -> bytes == null ? null : read(bytes);
    }

    private byte[] write(E event) {
        try {
            return writer.writeValueAsBytes(event);
        } catch (IOException e) {
            throw new SerializationException("%s cannot be written".formatted(type.getSimpleName()), e);
        }
    }

    private E read(byte[] bytes) {
        try {
            E event = reader.readValue(bytes);
            if (event != null && event.schema() == Event.SCHEMA) {
                return event;
            }
        } catch (IOException | IllegalArgumentException e) {
            requireKnown(bytes);
            throw notOne(e);
        }
        requireKnown(bytes);
        throw new SerializationException("not a %s".formatted(type.getSimpleName()));
    }

    /** Of a form that is not known it says nothing that fields are missing. */
    private void requireKnown(byte[] bytes) {
        int schema;
        try {
            schema = EventJson.mapper().readTree(bytes).path("schema").asInt(0);
        } catch (IOException e) {
            throw notOne(e);
        }
        if (schema != Event.SCHEMA) {
            throw new SerializationException(
                    "%s has schema %d; known is %d".formatted(type.getSimpleName(), schema, Event.SCHEMA));
        }
    }

    private SerializationException notOne(Exception why) {
        return new SerializationException("not a %s: %s".formatted(type.getSimpleName(), why.getMessage()), why);
    }
}
