package dev.bellwether.policy.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrivateNetworksTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.8.9.1",
                "10.1.2.3",
                "172.16.0.1",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "0.0.0.0",
                "224.0.0.1",
                "::1",
                "::",
                "fe80::1",
                "fc00::1",
                "fd12::1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "198.18.0.1",
                "192.0.0.8",
                "240.1.1.1",
                "255.255.255.255",
                "2002:a00:1::",
                "::10.0.0.1"
            })
    void knowsWhatIsNotOnTheInternet(String address) throws UnknownHostException {
        assertThat(PrivateNetworks.contain(InetAddress.getByName(address))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "198.51.100.7",
                "8.8.8.8",
                "100.128.0.1",
                "172.32.0.1",
                "2001:db8::1",
                "64:ff9b::808:808",
                "198.20.0.1",
                "192.0.2.1",
                "2002:808:808::"
            })
    void knowsWhatIs(String address) throws UnknownHostException {
        assertThat(PrivateNetworks.contain(InetAddress.getByName(address))).isFalse();
    }
}
