package dev.bellwether.gateway.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.gateway.http.ApiException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatRequestTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static ChatRequest request(String fields) throws JsonProcessingException {
        String json =
                "{\"model\":\"support\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],%s}".formatted(fields);
        return ChatRequest.parse(JSON.readValue(json, ObjectNode.class));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tools      | "tools":[{}]
            metadata   | "metadata":{"a":1}
            dule       | "bellwether":{"dule":"auto"}
            duel       | "bellwether":{"duel":"perhaps"}
            attributes | "bellwether":{"attributes":{"a":1}}
            """)
    void namesTheFieldThatItCannotTake(String field, String fields) {
        assertThatThrownBy(() -> request(fields))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining(field);
    }

    @Test
    void takesMetadataAndItsOwnAttributesTogether() throws JsonProcessingException {
        ChatRequest request =
                request("\"metadata\":{\"a\":\"1\",\"b\":\"2\"},\"bellwether\":{\"attributes\":{\"b\":\"3\"}}");

        assertThat(request.attributes()).containsOnlyKeys("a", "b").containsEntry("b", "3");
    }
}
