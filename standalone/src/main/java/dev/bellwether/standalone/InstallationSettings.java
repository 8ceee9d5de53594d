package dev.bellwether.standalone;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What an installation is started from.
 *
 * @param home the project's folder: built modules and the default policy
 * @param data the data folder
 * @param chatPort where the gateway listens; 0 for any free port
 * @param bots a bots.yaml that replaces the folder's own
 * @param searchPath where {@code nice} and {@code setsid} are looked up: the value of the variable {@code PATH}
 */
public record InstallationSettings(Path home, Path data, int chatPort, Optional<Path> bots, String searchPath) {
    public static final int CHAT_PORT = 8080;

    public InstallationSettings {
        if (chatPort < 0 || chatPort > 65_535) {
            throw new StandaloneException(
                    "port_invalid", "The port must be between 0 and 65535, not %d.".formatted(chatPort));
        }
    }

    public static InstallationSettings of(Path home, Path data) {
        return new InstallationSettings(home, data, CHAT_PORT, Optional.empty(), "/usr/bin:/bin");
    }

    public InstallationSettings chatPort(int port) {
        return new InstallationSettings(home, data, port, bots, searchPath);
    }

    public InstallationSettings bots(Path file) {
        return new InstallationSettings(home, data, chatPort, Optional.of(file), searchPath);
    }

    public InstallationSettings searchPath(String folders) {
        return new InstallationSettings(home, data, chatPort, bots, folders);
    }
}
