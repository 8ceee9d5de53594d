package dev.bellwether.gateway;

import static dev.bellwether.gateway.TestGateway.question;
import static dev.bellwether.gateway.TestGateway.send;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What no well-behaved HTTP client would send. */
class WireIT {
    private static final int PATIENCE_MILLIS = 20_000;

    /** Types of frames, and a flag of one. */
    private static final int HEADERS = 1;

    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int GOAWAY = 7;
    private static final int END_HEADERS = 4;

    /** POST http / of host a, by the static table of RFC 7541. */
    private static final byte[] POST = {(byte) 0x83, (byte) 0x86, (byte) 0x84, 0x01, 1, 'a'};

    @TempDir
    private static Path directory = Path.of("");

    private static TestGateway gateway;

    @BeforeAll
    static void start() throws IOException {
        gateway = new TestGateway(directory.resolve("data"), """
                bots:
                  wire: {champion: default, chat: {completion_tokens_max: 4}}
                """, TestGateway.Settings.DEFAULT).start();
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** Whoever stands in between may read the end of such a request elsewhere, and a second one in what remains. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "content-length: 4\r\ntransfer-encoding: chunked",
                "transfer-encoding: chunked\r\ncontent-length: 4",
                "content-length: 4\r\ncontent-length: 5",
                "content-length: 4, 5",
                "content-length: +4",
                "content-length: -4",
                "transfer-encoding: xchunked",
                "transfer-encoding : chunked",
                "x: a\rb: c\r\ncontent-length: 4",
                "x: a\u0000b\r\ncontent-length: 4",
                "x y: a\r\ncontent-length: 4",
            })
    void refusesRequestsWhoseEndIsDoubtfulAndCloses(String headers) throws IOException {
        String hidden = "GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n";
        String answers = answers("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer "
                + gateway.key() + "\r\ncontent-type: application/json\r\n" + headers + "\r\n\r\n0\r\n\r\n" + hidden);
        assertThat(answers)
                .startsWith("HTTP/1.1 400 ")
                .doesNotContain("HTTP/1.1 200")
                .doesNotContain("HTTP/1.1 401");
        assertThat(answers.split("HTTP/1.1 ")).as(answers).hasSize(2);
    }

    private static String chat(String version, String headers) throws IOException {
        String body = question("wire", "");
        return answers("POST /v1/chat/completions HTTP/%s\r\nhost: a\r\nauthorization: Bearer %s\r\n"
                        .formatted(version, gateway.key())
                + "content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n%s\r\n%s"
                        .formatted(body.length(), headers, body));
    }

    @Test
    void answersClientsOfOldAndThoseThatAskBeforeTheySend() throws IOException {
        assertThat(chat("1.0", "")).startsWith("HTTP/1.0 200 ").contains("chat.completion");
        assertThat(chat("1.1", "expect: 100-continue\r\n"))
                .startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
                .contains("chat.completion");
        assertThat(chat("1.1", "expect: tea\r\n")).startsWith("HTTP/1.1 417 ");
        String large = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer " + gateway.key()
                + "\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 11000000\r\n\r\n";
        try (Socket socket =
                new Socket(gateway.open("/").getHost(), gateway.open("/").getPort())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(large.getBytes(StandardCharsets.ISO_8859_1));
            assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.UTF_8))
                    .as("before it is sent")
                    .isEqualTo("HTTP/1.1 413");
        }
    }

    /** Everything that the gateway answers until it closes the connection. */
    private static String answers(String sent) throws IOException {
        try (Socket socket =
                new Socket(gateway.open("/").getHost(), gateway.open("/").getPort())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(sent.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** HTTP/2 by hand (RFC 9113): what clients offer would send the next request on a new connection. */
    @Test
    void endsAConnectionThatBeginsAndResetsWithoutEnd() throws IOException, InterruptedException {
        try (Socket socket =
                new Socket(gateway.open("/").getHost(), gateway.open("/").getPort())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
            out.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            frame(out, SETTINGS, 0, 0, new byte[0]);
            for (int stream = 1; stream < 1_000; stream += 2) {
                frame(out, HEADERS, END_HEADERS, stream, POST);
                frame(out, RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8});
            }
            // In one piece, which the gateway's socket takes, whatever it makes of it.
            out.flush();
            DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            int type;
            do {
                int length = (in.readUnsignedByte() << 16) | in.readUnsignedShort();
                type = in.readUnsignedByte();
                in.skipNBytes(1 + Integer.BYTES + length);
            } while (type != GOAWAY);
        }
        assertThat(send("POST", gateway.open("/v1/chat/completions"), question("wire", ""), gateway.key())
                        .statusCode())
                .as("others go on")
                .isEqualTo(200);
    }

    private static void frame(DataOutputStream out, int type, int flags, int stream, byte[] payload)
            throws IOException {
        out.writeByte(0);
        out.writeShort(payload.length);
        out.writeByte(type);
        out.writeByte(flags);
        out.writeInt(stream);
        out.write(payload);
    }
}
