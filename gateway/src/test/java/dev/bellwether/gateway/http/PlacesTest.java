package dev.bellwether.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PlacesTest {
    @Test
    void leavesAQuarterOfItsPlacesToOthers() {
        Places places = new Places(8);
        for (int i = 0; i < 6; i++) {
            assertThat(places.take("one")).isTrue();
        }
        assertThat(places.take("one")).isFalse();
        assertThat(places.take("another")).isTrue();
        assertThat(places.take("another")).isTrue();
        assertThat(places.take("a third")).isFalse();
        places.give("one");
        assertThat(places.take("a third")).isTrue();
        places.give("another");
        assertThat(places.take("one")).isTrue();
        assertThat(places.take("one")).isFalse();
    }

    @Test
    void givesItsOnlyPlaceToWhoever() {
        Places places = new Places(1);
        assertThat(places.take("one")).isTrue();
        assertThat(places.take("another")).isFalse();
        places.give("one");
        assertThat(places.take("another")).isTrue();
    }
}
