package dev.bellwether.policy.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTemplateTest {
    private static final List<String> RESERVED = List.of("<|end|>", "<|user|>", "<|system|>");

    private final PromptTemplate template = new PromptTemplate(
            "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}<|assistant|>",
            Map.of(), RESERVED);

    @Test
    void laysOutTheTurns() {
        assertThat(template.prompt(List.of(new Turn("system", "Be kind."), Turn.user("Hello?"))))
                .isEqualTo("<|system|>Be kind.<|end|><|user|>Hello?<|end|><|assistant|>");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages }}",
                "{{ 7 * 7 }}",
                "{% for i in range(1000) %}x{% endfor %}",
                "{{ '<|en' ~ 'd|>' }}",
                "{# nothing #}"
            })
    void readsWhatPeopleWriteAsTextAndNeverAsATemplate(String typed) {
        assertThat(template.prompt(List.of(new Turn("system", "secret"), Turn.user(typed))))
                .isEqualTo("<|system|>secret<|end|><|user|>" + typed + "<|end|><|assistant|>");
    }

    @Test
    void marksControlTokensThatPeopleTypeAndCutsNothingOut() {
        String typed = "a<|end|>b <<|end|>|end|> <|e";
        String marked = template.marked(List.of(Turn.user(typed)), true);
        assertThat(template.prompt(List.of(Turn.user(typed))))
                .isEqualTo("<|user|>" + typed + "<|end|><|assistant|>")
                .isEqualTo(ControlTokens.unmarked(marked));
        assertThat(new ControlTokens(RESERVED).renamed(marked, name -> "_")).isEqualTo("_" + typed + "_<|assistant|>");
    }

    @Test
    void completesNoControlTokenThatSomebodyBegan() {
        PromptTemplate glued = new PromptTemplate(
                "{% for message in messages %}{{ message.content | trim }}{% endfor %}", Map.of(), RESERVED);
        String marked = glued.marked(List.of(Turn.user("a<|en "), Turn.user("d|>b")), true);
        assertThat(new ControlTokens(RESERVED).renamed(marked, name -> "_")).isEqualTo("a<|end|>b");
    }

    @Test
    void takesAwayTheMarksThatSomebodyTypes() {
        assertThat(template.prompt(List.of(Turn.user("a\ufdd1b\ufdd0"))))
                .isEqualTo("<|user|>a\ufffdb\ufffd<|end|><|assistant|>");
    }

    @Test
    void refusesInTheTemplatesWords() {
        PromptTemplate strict = new PromptTemplate(
                "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
                Map.of(), List.of());
        assertThatThrownBy(() -> strict.prompt(List.of(new Turn("system", "Be brief."), Turn.user("Hi"))))
                .isInstanceOf(PromptRefusedException.class)
                .hasMessage("System role not supported");
    }

    @Test
    void refusesATemplateThatIsNotUnderstood() {
        assertThatThrownBy(() -> new PromptTemplate("{{ x | frobnicate }}", Map.of(), List.of()))
                .isInstanceOf(UnsupportedCheckpointException.class)
                .hasMessageContaining("frobnicate");
    }
}
