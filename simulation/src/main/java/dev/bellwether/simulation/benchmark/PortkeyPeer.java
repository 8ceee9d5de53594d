package dev.bellwether.simulation.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.standalone.ChildProcess;
import dev.bellwether.standalone.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Portkey's open-source gateway as npm installs it, as the peer of the gateway's benchmark. */
final class PortkeyPeer implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final String SERVER = "node_modules/@portkey-ai/gateway/build/start-server.js";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final ChildProcess process;
    private final int port;

    private PortkeyPeer(ChildProcess process, int port) {
        this.process = process;
        this.port = port;
    }

    /**
     * Installs the peer from {@code recipe}, a folder with a {@code package.json}, into {@code scratch} and starts it.
     *
     * @param prefix what it is run through, such as {@code taskset -c 0}
     */
    static PortkeyPeer start(Path recipe, Path scratch, List<String> prefix) throws IOException, InterruptedException {
        Files.createDirectories(scratch);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(recipe)) {
            for (Path file : files) {
                if (Files.isRegularFile(file)) {
                    Files.copy(file, scratch.resolve(file.getFileName()));
                }
            }
        }
        settle(scratch.resolve("package.json"));
        Process install = new ProcessBuilder("npm", "install", "--no-audit", "--no-fund")
                .directory(scratch.toFile())
                .redirectErrorStream(true)
                .redirectOutput(scratch.resolve("npm.log").toFile())
                .start();
        if (!install.waitFor(5, TimeUnit.MINUTES)
                || install.exitValue() != 0
                || !Files.exists(scratch.resolve(SERVER))) {
            throw new IOException(
                    "the peer could not be installed by npm; %s says why".formatted(scratch.resolve("npm.log")));
        }
        int port = Ports.free();
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of("node", "-r", "./loopback.cjs", SERVER, "--port=" + port));
        ChildProcess process = ChildProcess.start(
                "portkey", command, Map.of("NODE_ENV", "production"), scratch, scratch.resolve("portkey.log"));
        PortkeyPeer peer = new PortkeyPeer(process, port);
        peer.awaitListening();
        return peer;
    }

    /** Later versions of the HTTP server that it asks for make it answer every stream with 500 on Node 20. */
    private static void settle(Path manifest) throws IOException {
        ObjectNode json = (ObjectNode) JSON.readTree(manifest.toFile());
        json.withObjectProperty("overrides").put("@hono/node-server", "1.13.8");
        Files.writeString(manifest, json.toPrettyString());
    }

    private void awaitListening() throws IOException, InterruptedException {
        long start = System.nanoTime();
        while (true) {
            try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return;
            } catch (IOException e) {
                if (!process.alive() || System.nanoTime() - start > START_LIMIT.toNanos()) {
                    close();
                    throw new IOException("the peer did not come up", e);
                }
                Thread.sleep(100);
            }
        }
    }

    long pid() {
        return process.pid();
    }

    /** The same chat, of the upstream on {@code upstreamPort}. */
    LoadGenerator load(int upstreamPort, String body, String wanted) {
        return new LoadGenerator(
                port,
                "/v1/chat/completions",
                Map.of(
                        "authorization", "Bearer x",
                        "x-portkey-provider", "openai",
                        "x-portkey-custom-host", "http://127.0.0.1:%d/v1".formatted(upstreamPort)),
                body,
                wanted);
    }

    @Override
    public void close() {
        process.close();
    }
}
