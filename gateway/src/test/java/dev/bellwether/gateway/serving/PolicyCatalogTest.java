package dev.bellwether.gateway.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.gateway.bots.ServingConfig;
import dev.bellwether.policy.checkpoint.ArtefactKind;
import dev.bellwether.policy.checkpoint.ArtefactLabel;
import dev.bellwether.policy.checkpoint.PolicyStore;
import dev.bellwether.policy.engine.ModelLimits;
import dev.bellwether.policy.engine.Precision;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PolicyCatalogTest {
    private static final Path POLICY = Path.of("..", "default-policy", "artefact");
    private static final ServingConfig SMALL = new ServingConfig(
            List.of(),
            1,
            2,
            512,
            Map.of(),
            false,
            new ModelLimits(Optional.of(128), 4L << 20, 1, Optional.of(Precision.INT8), "cpu"),
            null);

    @TempDir
    private Path root;

    private final Vertx vertx = Vertx.vertx();
    private PolicyStore store = new PolicyStore(Path.of(""));

    @BeforeEach
    void addVersions() throws IOException {
        store = new PolicyStore(root);
        for (String version : List.of("v1", "v2", "v3")) {
            store.publish(ArtefactLabel.added("support", version, ArtefactKind.CHECKPOINT, Instant.EPOCH), target -> {
                try (Stream<Path> files = Files.list(POLICY)) {
                    for (Path file : files.toList()) {
                        if (!file.getFileName().toString().equals("manifest.json")) {
                            Files.copy(file, target.resolve(file.getFileName()));
                        }
                    }
                }
            });
        }
    }

    @AfterEach
    void closeVertx() {
        vertx.close().await();
    }

    private PolicyCatalog catalog(long memoryBytesMax) {
        Upstreams upstreams = new Upstreams(vertx, new SimpleMeterRegistry(), new UpstreamKeys(_ -> null), false);
        return new PolicyCatalog(store, _ -> SMALL, memoryBytesMax, upstreams);
    }

    private long one() {
        try (PolicyCatalog catalog = catalog(Long.MAX_VALUE)) {
            catalog.load("support", "v1");
            return catalog.loaded().getFirst().memoryBytes();
        }
    }

    private static void use(PolicyCatalog catalog, String version) {
        catalog.use("support", version).ifPresent(Policy.Use::close);
    }

    @Test
    void theVersionUsedLeastRecentlyMakesRoom() {
        try (PolicyCatalog catalog = catalog(2 * one() + one() / 2)) {
            catalog.load("support", "v1");
            catalog.load("support", "v2");
            use(catalog, "v2");
            use(catalog, "v1");
            catalog.load("support", "v3");
            assertThat(catalog.loaded())
                    .extracting(PolicyCatalog.Loaded::version)
                    .containsExactly("v1", "v3");
            assertThat(catalog.evicted("support", "v2")).isTrue();
            assertThat(catalog.use("support", "v2")).isEmpty();
            catalog.load("support", "v2");
            assertThat(catalog.evicted("support", "v2")).isFalse();
            assertThat(catalog.loaded())
                    .extracting(PolicyCatalog.Loaded::version)
                    .containsExactly("v2", "v3");
        }
    }

    @Test
    void whoServesStaysAndWhatDoesNotFitIsRefused() {
        try (PolicyCatalog catalog = catalog(2 * one() + one() / 2)) {
            catalog.pin("support", Set.of("v1", "v2"));
            catalog.load("support", "v1");
            catalog.load("support", "v2");
            assertThatThrownBy(() -> catalog.load("support", "v3"))
                    .hasMessageContaining("version v3 of support takes about")
                    .hasMessageContaining("BELLWETHER_MODEL_MEMORY");
            assertThat(catalog.loaded())
                    .extracting(PolicyCatalog.Loaded::version)
                    .containsExactly("v1", "v2");
            catalog.pin("support", Set.of("v2"));
            catalog.load("support", "v3");
            assertThat(catalog.loaded())
                    .extracting(PolicyCatalog.Loaded::version)
                    .containsExactly("v2", "v3");
        }
    }

    /** Who finishes its last replies keeps its memory, and nobody else waits for it who does not need that. */
    @Test
    void aVersionThatLeavesKeepsNoOtherFromComing() throws Exception {
        try (PolicyCatalog catalog = catalog(2 * one() + one() / 2)) {
            catalog.load("support", "v1");
            Policy.Use last = catalog.use("support", "v1").orElseThrow();
            CompletableFuture<Void> leaving =
                    CompletableFuture.runAsync(() -> catalog.retain("support", Set.of("v2", "v3")));
            Awaitility.await().until(() -> !catalog.holds("support", "v1"));
            catalog.load("support", "v2");
            catalog.pin("support", Set.of("v2"));
            assertThat(leaving).isNotDone();
            CompletableFuture<Void> third = CompletableFuture.runAsync(() -> catalog.load("support", "v3"));
            assertThatThrownBy(() -> third.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            last.close();
            third.get(60, TimeUnit.SECONDS);
            assertThat(leaving).succeedsWithin(60, TimeUnit.SECONDS);
            assertThat(catalog.loaded())
                    .extracting(PolicyCatalog.Loaded::version)
                    .containsExactly("v2", "v3");
        }
    }
}
