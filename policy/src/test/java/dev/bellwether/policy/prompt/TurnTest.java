package dev.bellwether.policy.prompt;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;

class TurnTest {
    @Test
    void givesEveryMessageARoleThatTemplatesKnowAndSomethingToSay() {
        ArrayNode calls = JsonNodeFactory.instance.arrayNode();
        calls.addObject().putObject("function").put("name", "find_card").put("arguments", "{\"half\":\"\ud83d\"}");
        assertThat(Turn.of("tool", "{\"status\":\"posted\"}", null)).isEqualTo(Turn.user("{\"status\":\"posted\"}"));
        assertThat(Turn.of("assistant", "", calls))
                .isEqualTo(Turn.assistant(
                        "[{\"function\":{\"name\":\"find_card\",\"arguments\":\"{\\\"half\\\":\\\"?\\\"}\"}}]"));
        assertThat(Turn.of("assistant", "Wait.", calls)).isEqualTo(Turn.assistant("Wait."));
        assertThat(Turn.of("developer", "Be brief.", null)).isEqualTo(new Turn("system", "Be brief."));
    }
}
