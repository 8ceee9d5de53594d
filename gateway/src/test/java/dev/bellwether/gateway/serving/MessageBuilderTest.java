package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

class MessageBuilderTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static MessageBuilder built(String... deltas) throws JsonProcessingException {
        MessageBuilder builder = new MessageBuilder();
        for (String delta : deltas) {
            builder.add(JSON.readTree(delta));
        }
        return builder;
    }

    @Test
    void joinsTexts() throws JsonProcessingException {
        MessageBuilder builder = built(
                "{\"role\":\"assistant\",\"content\":\"\"}",
                "{\"content\":\"Good \",\"refusal\":null}",
                "{\"content\":\"day.\"}",
                "{}");
        assertThat(builder.text()).isEqualTo("Good day.");
        assertThat(builder.message().toString()).isEqualTo("{\"role\":\"assistant\",\"content\":\"Good day.\"}");
    }

    @Test
    void joinsListsOfPartsAndReadsTheirTexts() throws JsonProcessingException {
        MessageBuilder builder = built(
                "{\"content\":[{\"type\":\"text\",\"text\":\"Good \"}],\"annotations\":[1]}",
                "{\"content\":[{\"type\":\"text\",\"text\":\"day.\"}],\"annotations\":[2]}");
        assertThat(builder.text()).isEqualTo("Good day.");
        assertThat(builder.message().path("content")).hasSize(2);
        assertThat(builder.message().path("annotations").toString()).isEqualTo("[1,2]");
    }

    @Test
    void numbersTheToolCallsOfAWholeMessage() throws JsonProcessingException {
        ObjectNode message = (ObjectNode) JSON.readTree("{\"tool_calls\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
        assertThat(MessageBuilder.delta(message).at("/tool_calls/1/index").asInt())
                .isEqualTo(1);
        assertThat(message.at("/tool_calls/1").has("index")).isFalse();
    }

    @Test
    void joinsSeveralToolCallsByTheirIndexEvenWhereIdsAreRepeated() throws JsonProcessingException {
        MessageBuilder builder = built(
                "{\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":"
                        + "{\"name\":\"f\",\"arguments\":\"\"}},{\"index\":1,\"id\":\"b\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"g\",\"arguments\":\"{\"}}]}",
                "{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"arguments\":\"}\"}}]}",
                "{\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":{\"name\":null,\"arguments\":\"{\\\"x\\\":1}\"}}]}");
        assertThat(builder.message().path("tool_calls").toString())
                .isEqualTo(
                        "[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},"
                                + "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]");
        assertThat(builder.message().get("content").isNull()).isTrue();
    }
}
