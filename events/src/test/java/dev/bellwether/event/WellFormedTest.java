package dev.bellwether.event;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WellFormedTest {
    @ParameterizedTest
    @CsvSource({
        "plain,plain",
        "\uD83D\uDE42,\uD83D\uDE42",
        "a\uD83D,a\uFFFD",
        "\uDE42a,\uFFFDa",
        "\uDE42\uD83D,\uFFFD\uFFFD",
        "\uD83D\uD83D\uDE42,\uFFFD\uD83D\uDE42"
    })
    void replacesHalvesAlone(String text, String repaired) {
        assertThat(WellFormed.text(text)).isEqualTo(repaired);
    }

    @Test
    void makesEveryTextOfARecordWellFormed() throws JsonProcessingException {
        String json = "{\"role\":\"us\\udc00\",\"content\":\"\\ud83d\"}";
        Message message = EventJson.mapper().readValue(json, Message.class);
        assertThat(message.content()).isEqualTo("\uFFFD");
        assertThat(message.role()).isEqualTo("us\uFFFD");
    }
}
