package dev.bellwether.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "7",
                "{",
                "{\"a\":1,}",
                "{\"a\":1,\"a\":2}",
                "{\"a\":NaN}",
                "{\"a\":1} {}",
                "{\"a\":\"\u0001\"}",
                "{a:1}",
                "{\"a\\ud83d\":1}"
            })
    void refusesWhatIsNoJsonObject(String body) {
        assertThatThrownBy(() -> Json.parse(utf8(body)))
                .asInstanceOf(InstanceOfAssertFactories.type(ApiException.class))
                .satisfies(refusal -> assertThat(refusal.status()).isEqualTo(400));
    }

    @Test
    void refusesWhatIsNoUtf8AndWhatIsNestedTooDeep() {
        assertThatThrownBy(() -> Json.parse(new byte[] {'{', '"', (byte) 0xc3, '"', ':', '1', '}'}))
                .hasMessageContaining("UTF-8");
        assertThatThrownBy(() -> Json.parse(utf8("{\"a\":" + "[".repeat(40) + "]".repeat(40) + "}")))
                .isInstanceOf(ApiException.class);
    }

    @Test
    void repairsHalvesOfCharactersWhereverTheyStand() {
        String body = "{\"a\":\"\\ud83d\",\"b\":[\"x\\udc00y\",{\"c\":\"\\ud83d\\ude42\"}]}";
        assertThat(Json.parse(utf8(body)).toString())
                .isEqualTo("{\"a\":\"\uFFFD\",\"b\":[\"x\uFFFDy\",{\"c\":\"\uD83D\uDE42\"}]}");
    }
}
