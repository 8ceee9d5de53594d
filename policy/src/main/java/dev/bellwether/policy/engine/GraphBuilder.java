package dev.bellwether.policy.engine;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import dev.bellwether.policy.checkpoint.Safetensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** An ONNX graph that is being put together: operators, numbers, what is read and what is found, all by their names. */
final class GraphBuilder {
    /** The domain of ONNX Runtime's own operators; that of ONNX is empty. */
    static final String MICROSOFT = "com.microsoft";

    static final int FLOAT = TensorProto.DataType.FLOAT_VALUE;
    static final int UINT8 = TensorProto.DataType.UINT8_VALUE;
    static final int INT32 = TensorProto.DataType.INT32_VALUE;
    static final int INT64 = TensorProto.DataType.INT64_VALUE;

    private static final int IR_VERSION = 8;
    private static final int OPERATORS_VERSION = 17;

    private final GraphProto.Builder graph = GraphProto.newBuilder().setName("policy");

    /** A serialized {@code ModelProto}. */
    byte[] model() {
        return ModelProto.newBuilder()
                .setIrVersion(IR_VERSION)
                .setGraph(graph)
                .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPERATORS_VERSION))
                .addOpsetImport(
                        OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1))
                .build()
                .toByteArray();
    }

    /** Adds what a run reads; a dimension is a number, or a name where it may be any. */
    void input(String name, int type, Object... shape) {
        graph.addInput(value(name, type, shape));
    }

    /** Adds what a run finds. */
    void output(String name, int type, Object... shape) {
        graph.addOutput(value(name, type, shape));
    }

    private static ValueInfoProto value(String name, int type, Object... shape) {
        TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
        for (Object dimension : shape) {
            TensorShapeProto.Dimension.Builder one = TensorShapeProto.Dimension.newBuilder();
            if (dimension instanceof String symbol) {
                one.setDimParam(symbol);
            } else {
                one.setDimValue(((Number) dimension).longValue());
            }
            dimensions.addDim(one);
        }
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(
                                TypeProto.Tensor.newBuilder().setElemType(type).setShape(dimensions)))
                .build();
    }

    /** Adds an operator with one output, whose name is its own; gives that. */
    String node(String domain, String operator, List<String> in, String out, AttributeProto... attributes) {
        node(domain, operator, in, List.of(out), attributes);
        return out;
    }

    /** Adds an operator, named as its first output is; an output that nobody wants has no name. */
    void node(String domain, String operator, List<String> in, List<String> out, AttributeProto... attributes) {
        graph.addNode(NodeProto.newBuilder()
                .setOpType(operator)
                .setDomain(domain)
                .setName(out.getFirst())
                .addAllInput(in)
                .addAllOutput(out)
                .addAllAttribute(List.of(attributes)));
    }

    /** A dimension of 0 stays as it is. */
    String reshaped(String input, String out, long... shape) {
        longs(out + "_shape", shape);
        return node("", "Reshape", List.of(input, out + "_shape"), out);
    }

    /** A constant list of whole numbers. */
    void longs(String name, long... numbers) {
        TensorProto.Builder tensor =
                TensorProto.newBuilder().setName(name).setDataType(INT64).addDims(numbers.length);
        for (long number : numbers) {
            tensor.addInt64Data(number);
        }
        graph.addInitializer(tensor);
    }

    /** Constant numbers in float32. */
    void constant(String name, float[] numbers, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(numbers.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(numbers);
        TensorProto.Builder tensor =
                TensorProto.newBuilder().setName(name).setDataType(FLOAT).setRawData(ByteString.copyFrom(bytes));
        for (long dimension : shape) {
            tensor.addDims(dimension);
        }
        graph.addInitializer(tensor);
    }

    /** Constant numbers that come with the session. */
    void given(String name, int type, long... shape) {
        TensorProto.Builder tensor = TensorProto.newBuilder()
                .setName(name)
                .setDataType(type)
                .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                .addExternalData(external("location", name));
        for (long dimension : shape) {
            tensor.addDims(dimension);
        }
        graph.addInitializer(tensor);
    }

    /** Constant numbers as they lie in a file of the weights' folder. */
    void stored(String name, Safetensors.Entry entry, String file) {
        graph.addInitializer(TensorProto.newBuilder()
                .setName(name)
                .setDataType(entry.format().onnxType())
                .addAllDims(entry.dimensions())
                .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                .addExternalData(external("location", file))
                .addExternalData(external("offset", Long.toString(entry.offset())))
                .addExternalData(external("length", Long.toString(entry.length()))));
    }

    private static StringStringEntryProto external(String key, String value) {
        return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
    }

    static AttributeProto integer(String name, long value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value)
                .build();
    }

    static AttributeProto integers(String name, long... values) {
        AttributeProto.Builder attribute =
                AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
        for (long value : values) {
            attribute.addInts(value);
        }
        return attribute.build();
    }

    static AttributeProto real(String name, double value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.FLOAT)
                .setF((float) value)
                .build();
    }
}
