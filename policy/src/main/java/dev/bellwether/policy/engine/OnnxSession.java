package dev.bellwether.policy.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;

/** How a graph whose weights lie in a checkpoint's files becomes a session of ONNX Runtime. */
final class OnnxSession {
    static final OrtEnvironment ENVIRONMENT = OrtEnvironment.getEnvironment();

    private OnnxSession() {}

    static OrtSession open(Checkpoint checkpoint, byte[] graph, int threads) {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            options.addConfigEntry("session.intra_op.allow_spinning", "0");
            options.addConfigEntry(
                    "session.model_external_initializers_file_folder_path",
                    checkpoint.directory().toAbsolutePath().toString());
            return ENVIRONMENT.createSession(graph, options);
        } catch (OrtException e) {
            throw new UnsupportedCheckpointException(
                    "%s cannot be loaded: %s".formatted(checkpoint.directory(), e.getMessage()), e);
        }
    }

    static void close(OrtSession session) {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime failed to close: " + e.getMessage(), e);
        }
    }
}
