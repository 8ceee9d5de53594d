package dev.bellwether.simulation.benchmark;

import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.checkpoint.UpstreamConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Iterator;

/**
 * An OpenAI-compatible service that answers every request at once with the same reply, streamed where the request says
 * so; one thread, so that it takes little from what is measured.
 */
final class InstantUpstream implements AutoCloseable {
    private static final String[] WORDS =
            "Your new card usually arrives within five working days of the order.".split("(?<= )");
    private static final String HEAD = "\"id\":\"chatcmpl-instant\",\"created\":1700000000,\"model\":\"instant\"";
    private static final byte[] STREAMED = "\"stream\":true".getBytes(StandardCharsets.UTF_8);
    private static final int REQUEST_BYTES_MAX = 64 << 10;
    private final int requestBytesMax;

    private final Selector selector = Selector.open();
    private final ServerSocketChannel server = ServerSocketChannel.open();
    private final ByteBuffer whole = bytes(whole());
    private final ByteBuffer stream = bytes(stream());
    private final Thread thread = Thread.ofPlatform().name("upstream").daemon().unstarted(this::run);
    private volatile boolean closing;

    InstantUpstream() throws IOException {
        this(REQUEST_BYTES_MAX);
    }

    /** With room for requests of that many bytes, for each connection. */
    InstantUpstream(int requestBytesMax) throws IOException {
        this.requestBytesMax = requestBytesMax;
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_024);
        server.configureBlocking(false);
        server.register(selector, SelectionKey.OP_ACCEPT);
        thread.start();
    }

    int port() throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    /** A version of {@code bot} that asks it. */
    void publish(PolicyStore store, String bot, String version) throws IOException {
        UpstreamConfig config = UpstreamConfig.parse(
                "{\"url\":\"http://127.0.0.1:%d/v1\",\"model\":\"instant\",\"private_addresses\":true}"
                        .formatted(port()));
        store.publish(ArtefactLabel.added(bot, version, ArtefactKind.UPSTREAM, Instant.now()), config::write);
    }

    private static ByteBuffer bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private static String whole() {
        String body =
                "{%s,\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                                .formatted(HEAD)
                        + "\"content\":\"%s\"},\"finish_reason\":\"stop\"}],".formatted(String.join("", WORDS))
                        + "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":14,\"total_tokens\":24}}";
        return "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                .formatted(body.length(), body);
    }

    private static String stream() {
        StringBuilder text = new StringBuilder(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
        chunk(text, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
        for (String word : WORDS) {
            chunk(text, "{\"content\":\"%s\"}".formatted(word), "null");
        }
        chunk(text, "{}", "\"stop\"");
        piece(text, "data: [DONE]\n\n");
        return text.append("0\r\n\r\n").toString();
    }

    private static void chunk(StringBuilder text, String delta, String finish) {
        piece(
                text,
                "data: {%s,\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n"
                        .formatted(HEAD, delta, finish));
    }

    private static void piece(StringBuilder text, String data) {
        text.append(Integer.toHexString(data.length()))
                .append("\r\n")
                .append(data)
                .append("\r\n");
    }

    private void run() {
        try {
            while (!closing) {
                selector.select(200);
                for (Iterator<SelectionKey> keys = selector.selectedKeys().iterator(); keys.hasNext(); ) {
                    SelectionKey key = keys.next();
                    keys.remove();
                    if (key.isAcceptable()) {
                        accept();
                    } else {
                        answer(key);
                    }
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("the stand-in for the upstream failed: " + e.getMessage(), e);
        }
    }

    private void accept() throws IOException {
        SocketChannel channel = server.accept();
        if (channel != null) {
            channel.configureBlocking(false);
            channel.socket().setTcpNoDelay(true);
            channel.register(selector, SelectionKey.OP_READ, ByteBuffer.allocate(requestBytesMax));
        }
    }

    private void answer(SelectionKey key) {
        SocketChannel channel = (SocketChannel) key.channel();
        ByteBuffer request = (ByteBuffer) key.attachment();
        try {
            if (channel.read(request) < 0) {
                channel.close();
                return;
            }
            if (HttpMessage.complete(request)) {
                ByteBuffer answer = (contains(request, STREAMED) ? stream : whole).duplicate();
                request.clear();
                while (answer.hasRemaining()) {
                    channel.write(answer);
                }
            }
        } catch (IOException e) {
            key.cancel();
        }
    }

    private static boolean contains(ByteBuffer buffer, byte[] wanted) {
        for (int at = 0; at + wanted.length <= buffer.position(); at++) {
            int matched = 0;
            while (matched < wanted.length && buffer.get(at + matched) == wanted[matched]) {
                matched++;
            }
            if (matched == wanted.length) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        closing = true;
        selector.wakeup();
        server.close();
    }
}
