package dev.bellwether.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalRedisIT {
    @TempDir
    private Path directory;

    @Test
    void answersAgainOnTheSamePortAfterAKill() {
        try (LocalRedis redis = LocalRedis.start(directory)) {
            String url = redis.url();
            assertThat(url).isEqualTo("redis://127.0.0.1:" + redis.port());
            assertThat(new HealthCheck.Redis(redis.port()).passes()).isTrue();

            redis.kill();
            assertThat(new HealthCheck.Redis(redis.port()).passes()).isFalse();

            redis.restart();
            assertThat(redis.url()).isEqualTo(url);
            assertThat(new HealthCheck.Redis(redis.port()).passes()).isTrue();
        }
    }

    @Test
    void twoRunSideBySide() {
        try (LocalRedis one = LocalRedis.start(directory.resolve("one"));
                LocalRedis other = LocalRedis.start(directory.resolve("other"))) {
            assertThat(one.port()).isNotEqualTo(other.port());
            one.kill();
            assertThat(new HealthCheck.Redis(other.port()).passes()).isTrue();
        }
    }

    @Test
    void closingEndsTheProcess() {
        LocalRedis redis = LocalRedis.start(directory);
        long pid = redis.pid();
        redis.close();

        assertThat(ProcessHandle.of(pid).filter(ProcessHandle::isAlive)).isEmpty();
    }

    @Test
    void refusesAPortInUse() {
        try (LocalRedis redis = LocalRedis.start(directory.resolve("one"))) {
            assertThatThrownBy(() -> LocalRedis.start(directory.resolve("other"), redis.port()))
                    .isInstanceOf(StandaloneException.class)
                    .hasMessageContaining("Port " + redis.port());
        }
    }
}
