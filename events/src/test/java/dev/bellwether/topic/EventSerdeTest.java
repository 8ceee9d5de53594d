package dev.bellwether.topic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.event.Erasure;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventSerdeTest {
    private static Erasure read(String json) {
        return Topics.ERASURES
                .valueSerde()
                .deserializer()
                .deserialize(Topics.ERASURES.name(), json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWhatItWrote() {
        Erasure erasure = read("{\"schema\":1,\"user_hash\":\"u\",\"who\":\"user\",\"time\":7,\"of_later\":true}");
        byte[] written = Topics.ERASURES.valueSerde().serializer().serialize(Topics.ERASURES.name(), erasure);
        assertThat(read(new String(written, StandardCharsets.UTF_8))).isEqualTo(erasure);
        assertThat(erasure.time()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"schema\":2}                               | Erasure has schema 2; known is 1",
                "{\"schema\":2,\"user_hash\":\"u\",\"who\":\"user\",\"time\":7}  | Erasure has schema 2; known is 1",
                "{\"user_hash\":\"u\",\"who\":\"user\",\"time\":7}             | Erasure has schema 0; known is 1",
                "null                                         | Erasure has schema 0; known is 1",
                "[]                                           | Erasure has schema 0; known is 1",
                "''                                           | Erasure has schema 0; known is 1",
                "{\"schema\":1,\"who\":\"user\",\"time\":7}                     | user_hash",
                "{\"schema\":1,\"user_hash\":null,\"who\":\"user\",\"time\":7} | user_hash",
                "{\"schema\":1,                               | not a Erasure",
            })
    void saysWhyItCannotBeRead(String json, String why) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining(why);
    }
}
