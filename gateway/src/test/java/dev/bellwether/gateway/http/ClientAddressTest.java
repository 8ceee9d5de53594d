package dev.bellwether.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ClientAddressTest {
    private final ClientAddress addresses = new ClientAddress(List.of("10.0.0.0/8", "192.0.2.7", "fd00::/8"));

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            203.0.113.5 | 198.51.100.1                       | 203.0.113.5
            10.0.0.1    |                                    | 10.0.0.1
            10.0.0.1    | 198.51.100.1                       | 198.51.100.1
            10.0.0.1    | 1.2.3.4, 198.51.100.1              | 198.51.100.1
            10.0.0.1    | 1.2.3.4, 198.51.100.1, 10.2.3.4    | 198.51.100.1
            192.0.2.7   | 198.51.100.1                       | 198.51.100.1
            10.0.0.1    | 198.51.100.1, nonsense             | 10.0.0.1
            10.0.0.1    | nonsense, 198.51.100.1             | 198.51.100.1
            fd00::1     | 2001:db8:1:2:3:4:5:6              | 2001:db8:1:2::/64
            fd00::1     | 2001:db8:1:2:ffff::9               | 2001:db8:1:2::/64
            10.0.0.1    | 10.1.1.1, 10.2.2.2                 | 10.1.1.1
            10.0.0.1    | 198.51.100.1:4711                  | 198.51.100.1
            10.0.0.1    | [2001:db8:1:2::9]:4711             | 2001:db8:1:2::/64
            """)
    void believesProxiesAsFarAsTheyAreKnown(String peer, String forwarded, String caller) {
        assertThat(addresses.of(peer, forwarded)).isEqualTo(caller);
    }

    @ParameterizedTest
    @ValueSource(strings = {"proxy.example", "10.0.0.0/", "10.0.0.0/x", "300.1.1.1", "10.0.0.0/99"})
    void refusesWhatIsNoNetwork(String network) {
        assertThatThrownBy(() -> new ClientAddress(List.of(network))).isInstanceOf(IllegalArgumentException.class);
    }
}
