package dev.bellwether.topic;

import com.fasterxml.jackson.databind.JsonNode;
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

    public EventSerde(Class<E> type) {
        this.type = type;
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
            return EventJson.mapper().writeValueAsBytes(event);
        } catch (IOException e) {
            throw new SerializationException("%s cannot be written".formatted(type.getSimpleName()), e);
        }
    }

    private E read(byte[] bytes) {
        try {
            JsonNode json = EventJson.mapper().readTree(bytes);
            int schema = json.path("schema").asInt(0);
            if (schema != Event.SCHEMA) {
                throw new SerializationException(
                        "%s has schema %d; known is %d".formatted(type.getSimpleName(), schema, Event.SCHEMA));
            }
            return EventJson.mapper().treeToValue(json, type);
        } catch (IOException | IllegalArgumentException e) {
            throw new SerializationException("not a %s: %s".formatted(type.getSimpleName(), e.getMessage()), e);
        }
    }
}
