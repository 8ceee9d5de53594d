package dev.bellwether.stream.scorecard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.stream.JsonSerde;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeenTest {
    private static Seen read(String json) {
        return JsonSerde.of(Seen.class).deserializer().deserialize("seen", json.getBytes(StandardCharsets.UTF_8));
    }

    /** Those stay readable for as long as a hold-out: two years. */
    @Test
    void readsWhatWasKeptBeforeChoicesCounted() {
        assertThat(read("{\"up\":true,\"down\":false,\"kinds\":[\"voted\"],\"share\":0.5}")
                        .counted())
                .isTrue();
        assertThat(read("{\"up\":false,\"down\":false,\"kinds\":[],\"share\":0.5}")
                        .counted())
                .isFalse();
    }

    @Test
    void writesWhatItReads() {
        Seen seen = new Seen(true, true, false, Set.of(), .5);
        byte[] written = JsonSerde.of(Seen.class).serializer().serialize("seen", seen);
        assertThat(JsonSerde.of(Seen.class).deserializer().deserialize("seen", written))
                .isEqualTo(seen);
    }
}
