package dev.bellwether.policy.engine;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.bellwether.policy.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** The graph that is served, for other runtimes: a file that points into those of the weights, which lie beside it. */
public final class OnnxExport {
    public static final String FILE = "model.onnx";

    private OnnxExport() {}

    /**
     * Writes {@value #FILE} of a language model or a reward model, in float32; of adapters it holds the numbers, the files
     * of the base are to be copied into the same folder. Its inputs and outputs are those that {@link OnnxGraph} names.
     */
    public static void write(Checkpoint checkpoint, Path directory) throws IOException {
        int positions = checkpoint.config().positionsMax();
        OnnxGraph.Model model = checkpoint.config().rewardModel()
                ? OnnxGraph.rewardModel(checkpoint, positions)
                : OnnxGraph.languageModel(checkpoint, positions, Precision.FLOAT32, false);
        Files.write(directory.resolve(FILE), withNumbers(model));
    }

    /** A serialized {@code ModelProto} in which what are inputs here are constants. */
    private static byte[] withNumbers(OnnxGraph.Model model) throws InvalidProtocolBufferException {
        ModelProto.Builder whole = ModelProto.parseFrom(model.graph()).toBuilder();
        List<ValueInfoProto> read = whole.getGraph().getInputList().stream()
                .filter(input -> !model.bound().containsKey(input.getName()))
                .toList();
        whole.getGraphBuilder().clearInput().addAllInput(read);
        model.bound().forEach((name, weight) -> {
            TensorProto.Builder tensor = TensorProto.newBuilder()
                    .setName(name)
                    .setDataType(weight.type().code())
                    .setRawData(ByteString.copyFrom(weight.numbers().asByteBuffer()));
            LongStream.of(weight.shape()).forEach(tensor::addDims);
            whole.getGraphBuilder().addInitializer(tensor);
        });
        return whole.build().toByteArray();
    }
}
