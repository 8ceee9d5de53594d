package dev.bellwether.policy.prompt.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-03-04T15:06:07Z"), ZoneOffset.UTC);

    /** A text of a million letters. */
    private static final String LONG = "{% set t = 'x' * 1000000 %}";

    private static String render(String template, Map<String, ?> variables) {
        return Template.parse(template, CLOCK).render(variables);
    }

    /** The script beside the references made these with Jinja itself. */
    @TestFactory
    Stream<DynamicTest> rendersAsJinjaDoes() throws IOException {
        ObjectMapper json = new ObjectMapper();
        JsonNode reference = json.readTree(
                Path.of("src/test/resources/reference/templates.json").toFile());
        Map<String, Object> variables = json.convertValue(reference.path("variables"), new TypeReference<>() {});
        return StreamSupport.stream(reference.path("cases").spliterator(), false)
                .map(each -> DynamicTest.dynamicTest(each.path("template").asText(), () -> {
                    String template = each.path("template").asText();
                    if (each.has("raises")) {
                        assertThatThrownBy(() -> render(template, variables)).isInstanceOf(TemplateException.class);
                    } else {
                        assertThat(render(template, variables))
                                .isEqualTo(each.path("text").asText());
                    }
                }));
    }

    @Test
    void refusesInTheTemplatesOwnWords() {
        assertThatThrownBy(() -> render("{{ raise_exception('Only user and assistant!') }}", Map.of()))
                .isInstanceOf(TemplateRefusal.class)
                .hasMessage("Only user and assistant!");
    }

    @Test
    void tellsTheDay() {
        assertThat(render("{{ strftime_now('%d %b %Y, %A %H:%M:%S %-d %%') }}", Map.of()))
                .isEqualTo("04 Mar 2026, Wednesday 15:06:07 4 %");
        assertThatThrownBy(() -> render("{{ strftime_now('%Q') }}", Map.of())).hasMessageContaining("%Q");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
                "{% set n = namespace(t='x') %}{% for a in range(64) %}{% set n.t = n.t + n.t %}{% endfor %}",
                "{% set n = namespace(t='x') %}{% for a in range(64) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
                "{% set n = namespace(t=[1]) %}{% for a in range(64) %}{% set n.t = n.t + n.t %}{% endfor %}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{{ range(10 ** 12) }}",
                "{{ 'x' * 10 ** 12 }}",
                "{{ 9 ** 99999 }}",
                "{{ 'x'.ljust(1000000000) | length }}{{ 1 // 0 }}",
                LONG + "{{ t.replace('x', t) }}",
                LONG + "{{ t.replace('', t) }}",
                LONG + "{{ t | replace('x', t) }}",
                LONG + "{{ t | replace('x', t, 99999) }}",
                LONG + "{{ t.join(range(99999) | map('string')) }}",
                LONG + "{{ range(99999) | join(t) }}",
                LONG + "{{ ('{0}' * 99999).format(t) }}",
                LONG + "{{ ('%s' * 99999) % ((t,) * 99999) }}",
                LONG + "{{ 'x'.ljust(9999, t) }}",
                LONG + "{{ [t] * 99999 }}",
                LONG + "{{ ([t] * 99999) | string }}",
                LONG + "{{ ([t] * 99999) | tojson }}",
                "{{ 'x\ny' | indent(2000000000) }}",
                "{{ [1] | tojson(indent=2000000000) }}",
                "{% set n = namespace(t=['x']) %}{% for a in range(64) %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.t }}",
                "{% set n = namespace(t=['x']) %}{% for a in range(64) %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.t | tojson }}",
                "{% set n = namespace(t='<' * 99999) %}{% for a in range(64) %}{% set n.t = n.t | escape | string %}{% endfor %}"
            })
    void endsWhatWouldNotEnd(String template) {
        assertThatThrownBy(() -> render(template, Map.of())).isInstanceOf(TemplateException.class);
    }

    @Test
    void replacesNothingWithSomething() {
        assertThat(render(
                        "{{ 'aé😀'.replace('', '-') }} {{ 'ab'.replace('', '-', 2) }} {{ ''.replace('', '-') }}",
                        Map.of()))
                .isEqualTo("-a-é-😀- -a-b -");
    }

    @Test
    void refusesWhatIsNestedTooDeeply() {
        assertThatThrownBy(() -> render("{{ " + "(".repeat(5_000) + "1" + ")".repeat(5_000) + " }}", Map.of()))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> render("{% if 1 %}".repeat(5_000) + "{% endif %}".repeat(5_000), Map.of()))
                .isInstanceOf(TemplateException.class);
        assertThatThrownBy(() -> render("{{ " + "not ".repeat(50_000) + "1 }}", Map.of()))
                .isInstanceOf(TemplateException.class);
    }

    @Test
    void namesTheLineOfWhatItDoesNotKnow() {
        assertThatThrownBy(() -> Template.parse("a\n{{ x }}\n{{ x | frobnicate }}", CLOCK))
                .hasMessage("line 3: the filter 'frobnicate' is not supported");
    }

    @Test
    void seesNothingButItsVariables() {
        assertThat(render("{{ x.getClass }}{{ x.class }}{{ x['class'] }}", Map.of("x", "text")))
                .isEmpty();
        assertThat(render("{{ x.length }}{{ x.size }}", Map.of("x", List.of(1))))
                .isEmpty();
    }
}
