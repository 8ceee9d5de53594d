package dev.bellwether.gateway.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Message;
import dev.bellwether.gateway.http.ApiException;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatRequestTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String QUESTION = "\"messages\":[{\"role\":\"user\",\"content\":\"Is the branch open?\"}]";

    private static ChatRequest parse(String fields) throws JsonProcessingException {
        return ChatRequest.parse(JSON.readValue("{\"model\":\"support\",%s}".formatted(fields), ObjectNode.class));
    }

    private static ChatRequest request(String fields) throws JsonProcessingException {
        return parse(QUESTION + "," + fields);
    }

    private static ChatRequest messages(String messages) throws JsonProcessingException {
        return parse("\"messages\":[%s]".formatted(messages));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            metadata               | "metadata":{"a":1}
            bellwether.dule        | "bellwether":{"dule":"auto"}
            bellwether.duel        | "bellwether":{"duel":"perhaps"}
            bellwether.duel        | "bellwether":{"duel":["auto"]}
            bellwether.attributes  | "bellwether":{"attributes":{"a":1}}
            bellwether             | "bellwether":"auto"
            temperature            | "temperature":2.01
            temperature            | "temperature":"0.7"
            temperature            | "temperature":1e999
            top_p                  | "top_p":-0.5
            max_tokens             | "max_tokens":20.5
            max_tokens             | "max_tokens":0
            max_completion_tokens  | "max_completion_tokens":"20"
            n                      | "n":0
            n                      | "n":200
            n                      | "n":true
            seed                   | "seed":99999999999999999999
            seed                   | "seed":0.5
            stop                   | "stop":["a","b","c","d","e"]
            stop                   | "stop":["a",""]
            stop                   | "stop":[null]
            stop                   | "stop":3
            stop                   | "stop":{"text":"a"}
            user                   | "user":7
            user                   | "user":{"name":"ann"}
            stream                 | "stream":"true"
            stream_options         | "stream_options":[]
            store                  | "store":"yes"
            """)
    void refusesByItsNameWhatNoBotTakes(String field, String fields) {
        assertThatThrownBy(() -> request(fields))
                .asInstanceOf(InstanceOfAssertFactories.type(ApiException.class))
                .satisfies(refusal -> {
                    assertThat(refusal.status()).isEqualTo(400);
                    assertThat(refusal.parameter()).isEqualTo(field);
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"response_format\":{\"type\":\"text\"}",
                "\"parallel_tool_calls\":true",
                "\"parallel_tool_calls\":false",
                "\"tools\":[],\"tool_choice\":\"auto\"",
                "\"functions\":[],\"function_call\":\"none\"",
                "\"service_tier\":\"default\"",
                "\"modalities\":[\"text\"]",
                "\"verbosity\":\"medium\"",
                "\"reasoning_effort\":null",
                "\"prompt_cache_key\":\"session-4\"",
                "\"logprobs\":false,\"top_logprobs\":0",
                "\"logit_bias\":{}",
                "\"presence_penalty\":0.0,\"frequency_penalty\":0",
                "\"audio\":null,\"prediction\":null",
                "\"top_p\":0,\"temperature\":0",
                "\"max_tokens\":9.0,\"n\":1.0,\"seed\":3.0",
                "\"stop\":[]",
                "\"stop\":null,\"stream\":null,\"user\":null",
                "\"stream_options\":{\"include_obfuscation\":false}"
            })
    void servesWhatAsksForNothingMoreThanATextBotDoes(String fields) throws JsonProcessingException {
        assertThat(request(fields).beyondText()).isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            tools             | "tools":[{"type":"function","function":{"name":"balance"}}]
            response_format   | "response_format":{"type":"json_object"}
            response_format   | "response_format":{"type":"text","strict":true}
            logprobs          | "logprobs":true
            frequency_penalty | "frequency_penalty":0.1
            logit_bias        | "logit_bias":{"12":5}
            reasoning_effort  | "reasoning_effort":"low"
            modalities        | "modalities":["text","audio"]
            service_tier      | "service_tier":"flex"
            tool_choice       | "tool_choice":"required"
            top_k             | "top_k":40
            """)
    void leavesToAnUpstreamWhatATextBotCannotServe(String field, String fields) throws JsonProcessingException {
        ChatRequest request = request(fields);
        assertThat(request.beyondText())
                .isNotNull()
                .satisfies(refusal -> assertThat(refusal.parameter()).isEqualTo(field));
        assertThat(request.body().has(field)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            messages[0].role             | {"role":"ai","content":"a"}
            messages[0].role             | {"role":"Assistant","content":"a"}
            messages[0].role             | {"content":"a"}
            messages[0].role             | {"role":null,"content":"a"}
            messages[0].content          | {"role":"user"}
            messages[0].content          | {"role":"user","content":null}
            messages[0].content          | {"role":"user","content":{"text":"a"}}
            messages[0].content          | {"role":"user","content":7}
            messages[0].content[0].text  | {"role":"user","content":[{"type":"text","text":{}}]}
            messages[0].content[1].type  | {"role":"user","content":[{"type":"text","text":"a"},{"text":"b"}]}
            messages[0]                  | "a"
            messages[1]                  | {"role":"user","content":"a"},null
            """)
    void refusesMessagesThatAreNone(String field, String list) {
        assertThatThrownBy(() -> messages(list))
                .asInstanceOf(InstanceOfAssertFactories.type(ApiException.class))
                .satisfies(refusal -> assertThat(refusal.parameter()).isEqualTo(field));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            messages[0].role        | {"role":"tool","tool_call_id":"c","content":"3"},{"role":"user","content":"a"}
            messages[0].tool_calls  | {"role":"assistant","content":"One moment.","tool_calls":[{"id":"c"}]},{"role":"user","content":"a"}
            messages[0].content[1]  | {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x"}}]}
            messages                | {"role":"user","content":"a"},{"role":"assistant","content":"b"}
            messages                | {"role":"system","content":"a"}
            messages                | {"role":"user","content":" \\u200b\\t"}
            """)
    void namesTheMessageThatATextBotCannotRead(String field, String list) throws JsonProcessingException {
        assertThat(messages(list).beyondText())
                .isNotNull()
                .satisfies(refusal -> assertThat(refusal.parameter()).isEqualTo(field));
    }

    @Test
    void readsAReplyThatIsSentBackWhole() throws JsonProcessingException {
        ChatRequest request = messages(
                "{\"role\":\"developer\",\"content\":\"Be kind.\"},"
                        + "{\"role\":\"user\",\"content\":\"Hello\",\"name\":\"ann\"},"
                        + "{\"role\":\"assistant\",\"content\":\"Good day.\",\"refusal\":null,\"annotations\":[],\"audio\":null,"
                        + "\"function_call\":null,\"tool_calls\":[]},"
                        + "{\"role\":\"assistant\",\"content\":null},{\"role\":\"assistant\"},"
                        + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Two\"},{\"type\":\"text\",\"text\":\"lines\"}]}");
        assertThat(request.beyondText()).isNull();
        assertThat(request.messages())
                .containsExactly(
                        new Message("system", "Be kind."),
                        new Message("user", "Hello"),
                        new Message("assistant", "Good day."),
                        new Message("assistant", ""),
                        new Message("assistant", ""),
                        new Message("user", "Two\nlines"));
    }

    @Test
    void recordsToolCallsAsTheyAre() throws JsonProcessingException {
        ChatRequest request = messages(
                "{\"role\":\"user\",\"content\":\"My balance?\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
                        + "[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"balance\",\"arguments\":\"{}\"}}]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"12\"}");
        assertThat(request.messages().get(1).toolCalls())
                .isNotNull()
                .hasToString(
                        "[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"balance\",\"arguments\":\"{}\"}}]");
        assertThat(request.messages().get(2)).isEqualTo(new Message("tool", "12"));
    }

    @Test
    void takesMetadataAndItsOwnAttributesTogether() throws JsonProcessingException {
        ChatRequest request =
                request("\"metadata\":{\"a\":\"1\",\"b\":\"2\"},\"bellwether\":{\"attributes\":{\"b\":\"3\"}}");
        assertThat(request.attributes()).containsOnlyKeys("a", "b").containsEntry("b", "3");
        assertThat(request.body().has("bellwether")).isFalse();
    }

    @Test
    void countsCharactersAsPeopleDo() throws JsonProcessingException {
        String faces = "\uD83D\uDE42".repeat(512);
        assertThat(request("\"user\":\"%s\"".formatted(faces)).user()).isEqualTo(faces);
        assertThatThrownBy(() -> request("\"user\":\"%s!\"".formatted(faces))).hasMessageContaining("512");
    }

    @Test
    void takesAUserWithoutALetterForNone() throws JsonProcessingException {
        for (String user : List.of("", " ", "\\n", "\\u200b")) {
            assertThat(request("\"user\":\"%s\"".formatted(user)).user()).isNull();
        }
        assertThat(request("\"user\":\"\",\"safety_identifier\":\"ann\"").user())
                .isEqualTo("ann");
        assertThat(request("\"user\":\"bo\",\"safety_identifier\":\"ann\"").user())
                .isEqualTo("bo");
    }

    @Test
    void prefersTheNewerNameOfALimit() throws JsonProcessingException {
        assertThat(request("\"max_completion_tokens\":3,\"max_tokens\":50").completionTokensMax())
                .hasValue(3);
        assertThat(request("\"max_completion_tokens\":null,\"max_tokens\":50").completionTokensMax())
                .hasValue(50);
    }

    @Test
    void keepsNothingOfARequestThatSaysSo() throws JsonProcessingException {
        assertThat(request("\"store\":false").stored()).isFalse();
        assertThat(request("\"store\":null").stored()).isTrue();
        assertThat(request("\"store\":true").stored()).isTrue();
    }

    @Test
    void aVisitorHasNoNameOfTheirOwnAndSpendsNoMoreThanThePageDoes() throws JsonProcessingException {
        ChatRequest request = request("\"user\":\"somebody else\",\"safety_identifier\":\"x\",\"n\":100,"
                        + "\"max_tokens\":9000,\"tools\":[{\"a\":1}],\"web_search_options\":{\"a\":1},\"seed\":4")
                .fromVisitor(64);
        assertThat(request.user()).isNull();
        assertThat(request.n()).isEqualTo(1);
        assertThat(request.completionTokensMax()).hasValue(64);
        assertThat(request.body().propertyStream().map(Map.Entry::getKey))
                .containsExactlyInAnyOrder("model", "messages", "seed", "max_completion_tokens");
        assertThatThrownBy(() -> messages(
                                "{\"role\":\"system\",\"content\":\"Obey.\"},{\"role\":\"user\",\"content\":\"a\"}")
                        .fromVisitor(64))
                .hasMessageContaining("visitor");
    }
}
