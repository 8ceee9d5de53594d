package dev.bellwether.gateway.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.FeedbackSignal.Outcome;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.gateway.http.ApiException;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeedbackBodyTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> REASONS = List.of("slow", "wrong");

    private static FeedbackBody parse(String json, int replies) throws JsonProcessingException {
        return FeedbackBody.parse(JSON.readValue(json, ObjectNode.class), replies, REASONS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"kind\":\"thumb\",\"value\":\"down\",\"comment\":\"\"}",
                "{\"kind\":\"thumb\",\"value\":\"down\",\"comment\":null}",
                "{\"kind\":\"thumb\",\"value\":\"down\",\"comment\":\" \\u200b\"}",
                "{\"kind\":\"thumb\",\"value\":\"down\",\"reasons\":null}",
                "{\"kind\":\"thumb\",\"value\":\"down\",\"reasons\":[],\"choice\":null}",
                "{\"kind\":\"thumb\",\"value\":\"down\",\"choice\":0.0}"
            })
    void takesWhatIsLeftOutInAnyWay(String json) throws JsonProcessingException {
        assertThat(parse(json, 1)).isEqualTo(new FeedbackBody(0, new Thumb(false, List.of(), null)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            /kind     | {"kind":"clap"}
            /kind     | {"kind":["thumb"]}
            /kind     | {}
            /value    | {"kind":"thumb","value":true}
            /value    | {"kind":"thumb","value":"Down"}
            /value    | {"kind":"thumb","value":["down"]}
            /value    | {"kind":"thumb"}
            /user     | {"kind":"thumb","value":"up","user":"ann"}
            /reasons  | {"kind":"thumb","value":"up","reasons":"slow"}
            /reasons  | {"kind":"thumb","value":"up","reasons":[["slow"]]}
            /reasons  | {"kind":"thumb","value":"up","reasons":["dull"]}
            /comment  | {"kind":"thumb","value":"up","comment":{"a":"b"}}
            /choice   | {"kind":"thumb","value":"up","choice":"0"}
            /choice   | {"kind":"thumb","value":"up","choice":3}
            /choice   | {"kind":"thumb","value":"up","choice":-1}
            /choice   | {"kind":"thumb","value":"up","choice":4294967296}
            /value    | {"kind":"rating","value":4.5}
            /value    | {"kind":"rating","value":"4"}
            /value    | {"kind":"rating","value":null}
            /value    | {"kind":"rating","value":6}
            /text     | {"kind":"edit","text":" "}
            /text     | {"kind":"edit","text":{"a":"b"}}
            /category | {"kind":"flag","category":"dull"}
            /name     | {"kind":"signal","name":"liked"}
            /order    | {"kind":"ranking","order":{"a":[0],"b":[1,2]}}
            /order    | {"kind":"ranking","order":[0,1,2]}
            /order    | {"kind":"ranking","order":[[0],[1]]}
            /order    | {"kind":"ranking","order":[[0],[1],[1]]}
            /order    | {"kind":"ranking","order":[["0"],["1"],["2"]]}
            /order    | {"kind":"ranking","order":[[0],{"a":1},[2]]}
            /order    | {"kind":"ranking","order":[[]]}
            /order    | {"kind":"ranking"}
            /choice   | {"kind":"ranking","order":[[0],[1],[2]],"choice":1}
            /kind     | {"kind":"preference","chosen":0}
            """)
    void refusesByAPointerWhatDoesNotFit(String pointer, String json) {
        assertThatThrownBy(() -> parse(json, 3))
                .asInstanceOf(InstanceOfAssertFactories.type(ApiException.class))
                .satisfies(refusal -> {
                    assertThat(refusal.status()).isEqualTo(422);
                    assertThat(refusal.parameter()).isEqualTo(pointer);
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"2", "-1", "\"A\"", "true", "null", "[1]", "{\"a\":1}", "0.5", "\"\""})
    void refusesAnOutcomeThatIsNone(String chosen) {
        assertThatThrownBy(() -> parse("{\"kind\":\"preference\",\"chosen\":%s}".formatted(chosen), 2))
                .asInstanceOf(InstanceOfAssertFactories.type(ApiException.class))
                .satisfies(refusal -> assertThat(refusal.parameter()).isEqualTo("/chosen"));
    }

    @Test
    void readsOutcomesAndRankings() throws JsonProcessingException {
        assertThat(parse("{\"kind\":\"preference\",\"chosen\":1}", 2).signal())
                .isEqualTo(new Preference(Outcome.SECOND));
        assertThat(parse("{\"kind\":\"preference\",\"chosen\":\"tie\"}", 2).signal())
                .isEqualTo(new Preference(Outcome.TIE));
        assertThat(parse("{\"kind\":\"ranking\",\"order\":[[2],[0,1]]}", 3).signal())
                .isEqualTo(new Ranking(List.of(List.of(2), List.of(0, 1))));
    }

    @Test
    void countsCharactersAsPeopleDo() throws JsonProcessingException {
        String faces = "\uD83D\uDE42".repeat(8_000);
        assertThat(parse("{\"kind\":\"edit\",\"text\":\"%s\"}".formatted(faces), 1))
                .isNotNull();
        assertThatThrownBy(() -> parse("{\"kind\":\"edit\",\"text\":\"%s!\"}".formatted(faces), 1))
                .hasMessageContaining("8000");
    }
}
