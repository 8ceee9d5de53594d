package dev.bellwether.policy.engine;

import static dev.bellwether.policy.engine.GraphBuilder.FLOAT;
import static dev.bellwether.policy.engine.GraphBuilder.INT32;
import static dev.bellwether.policy.engine.GraphBuilder.INT64;
import static dev.bellwether.policy.engine.GraphBuilder.MICROSOFT;
import static dev.bellwether.policy.engine.GraphBuilder.UINT8;
import static dev.bellwether.policy.engine.GraphBuilder.integer;
import static dev.bellwether.policy.engine.GraphBuilder.integers;
import static dev.bellwether.policy.engine.GraphBuilder.real;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.bellwether.policy.checkpoint.Adapter;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointConfig;
import dev.bellwether.policy.checkpoint.ModelTensors;
import dev.bellwether.policy.checkpoint.NumberFormat;
import dev.bellwether.policy.checkpoint.Safetensors;
import dev.bellwether.policy.checkpoint.TensorShape;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.onnx.ElementType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The ONNX graph of a Llama-type model, built from its configuration; the weights stay where they are, in the
 * safetensors file, and the graph's initializers point into it.
 *
 * <p>Inputs: {@code ids [B, T]} int64, {@code lengths [B]} int32 (tokens of each row after this call, less one) and
 * {@code total} int32 (the longest row after this call).
 *
 * <p>A language model has {@code last [B, 1]} int64 (which of the T states to read) and
 * {@code inverse_temperature [B, 1]} float besides, and for each layer {@code past_key_i}, {@code past_value_i}
 * {@code [B, keyValueHeads, positions, headSize]}; its outputs are {@code logits} and, of the logits times the inverse
 * temperature, {@code probabilities [B, vocabularySize]}, and the caches again, which callers bind to the same memory. On a
 * GPU the probabilities are filled up to {@code blocks [B, n, 64]}, whose {@code sums} and {@code maxima [B, n]} are
 * outputs, too.
 *
 * <p>A reward model reads whole rows, so it has no past; {@code pool [B, T, 1]} float says with which weight each state
 * counts, and its output is {@code rewards [B, labels]}.
 */
final class OnnxGraph {
    /** What ONNX Runtime's attention with rotary embeddings asks for. */
    private static final int HEAD_SIZE_MULTIPLE = 16;

    /** The last product decides which token it is: where the others have fewer bits, it has these. */
    private static final int HEAD_BITS = 8;

    /** The operator's level at which it rounds its input to 8 bits by blocks too, and multiplies whole numbers. */
    private static final int INT8_PRODUCTS = 4;

    private final Checkpoint checkpoint;
    private final CheckpointConfig config;
    private final Precision precision;
    private final boolean blocked;
    private final GraphBuilder graph = new GraphBuilder();
    private final Map<String, String> weights = new HashMap<>();
    private final Map<String, String> halves = new HashMap<>();
    private final List<BlockMatrix> matrices = new ArrayList<>();
    private final Map<String, InMemory> inMemory = new HashMap<>();
    private final Map<String, InMemory> bound = new HashMap<>();
    private final Map<String, String> sums = new HashMap<>();
    private final Set<String> stored = new HashSet<>();

    private OnnxGraph(Checkpoint checkpoint, Precision precision, boolean blocked) {
        this.checkpoint = checkpoint;
        this.precision = precision;
        this.blocked = blocked;
        this.config = checkpoint.config();
        if (config.headSize() % HEAD_SIZE_MULTIPLE != 0) {
            throw new UnsupportedCheckpointException("head_dim %d is not a multiple of %d, which serving needs"
                    .formatted(config.headSize(), HEAD_SIZE_MULTIPLE));
        }
    }

    /**
     * A graph and the matrices that it reads in few bits.
     *
     * @param graph a serialized {@code ModelProto}
     * @param inMemory weights that are in no file, by their names
     * @param bound weights that are inputs, by their names, and lie where the graph is computed
     */
    record Model(
            byte[] graph, List<BlockMatrix> matrices, Map<String, InMemory> inMemory, Map<String, InMemory> bound) {}

    /** Numbers with their type and shape. */
    record InMemory(MemorySegment numbers, ElementType type, long[] shape) {}

    /**
     * The language model.
     *
     * @param positions length of the cache in tokens
     * @param blocked whether probabilities stay where they are computed
     */
    static Model languageModel(Checkpoint checkpoint, int positions, Precision precision, boolean blocked) {
        if (checkpoint.config().rewardModel()) {
            throw new UnsupportedCheckpointException("a reward model cannot generate replies");
        }
        return new OnnxGraph(checkpoint, precision, blocked).languageModel(positions);
    }

    /** The reward model; {@code positions} is the longest row in tokens. */
    static Model rewardModel(Checkpoint checkpoint, int positions) {
        if (!checkpoint.config().rewardModel()) {
            throw new UnsupportedCheckpointException("a language model cannot score replies");
        }
        return new OnnxGraph(checkpoint, Precision.FLOAT32, false).rewardModel(positions);
    }

    private Model languageModel(int positions) {
        graph.input("last", INT64, "B", 1);
        String states = states(positions);
        graph.node("", "GatherND", List.of(states, "last"), "state", integer("batch_dims", 1));
        String head = config.tiedEmbeddings() ? ModelTensors.EMBEDDINGS : ModelTensors.HEAD;
        if (half()) {
            multiply("state", List.of(head), "logits_half", HEAD_BITS);
            widened("logits_half", "logits");
        } else {
            multiply("state", List.of(head), "logits", HEAD_BITS);
        }
        graph.output("logits", FLOAT, "B", config.vocabularySize());
        graph.input("inverse_temperature", FLOAT, "B", 1);
        graph.node("", "Mul", List.of("logits", "inverse_temperature"), "tempered");
        graph.node("", "Softmax", List.of("tempered"), "probabilities", integer("axis", -1));
        if (blocked) {
            inBlocks("probabilities");
        } else {
            graph.output("probabilities", FLOAT, "B", config.vocabularySize());
        }
        return model();
    }

    /** Outputs of probabilities that stay on a GPU: in blocks, and what of each block comes back. */
    private void inBlocks(String probabilities) {
        int blocks = Math.ceilDiv(config.vocabularySize(), Odds.BLOCK);
        int missing = blocks * Odds.BLOCK - config.vocabularySize();
        String whole = probabilities;
        if (missing > 0) {
            graph.longs("padding", 0, 0, 0, missing);
            whole = graph.node("", "Pad", List.of(probabilities, "padding"), "padded");
        }
        graph.reshaped(whole, "blocks", 0, blocks, Odds.BLOCK);
        graph.output("blocks", FLOAT, "B", blocks, Odds.BLOCK);
        graph.longs("block_axis", 2);
        graph.node("", "ReduceSum", List.of("blocks", "block_axis"), "sums", integer("keepdims", 0));
        graph.output("sums", FLOAT, "B", blocks);
        graph.node("", "ReduceMax", List.of("blocks"), "maxima", integers("axes", 2), integer("keepdims", 0));
        graph.output("maxima", FLOAT, "B", blocks);
    }

    private Model rewardModel(int positions) {
        graph.input("pool", FLOAT, "B", "T", 1);
        String states = states(positions);
        graph.constant("zero", new float[] {0});
        // States past a row's end may be anything, also no number: they are left out, not multiplied by zero.
        String counts = graph.node("", "Greater", List.of("pool", "zero"), "counts");
        String counted = graph.node("", "Where", List.of(counts, states, "zero"), "counted");
        String weighted = graph.node("", "Mul", List.of(counted, "pool"), "weighted");
        graph.longs("positions_axis", 1);
        graph.node("", "ReduceSum", List.of(weighted, "positions_axis"), "pooled", integer("keepdims", 0));
        graph.node("", "Gemm", List.of("pooled", weight("score.weight")), "rewards", integer("transB", 1));
        graph.output("rewards", FLOAT, "B", config.labels());
        return model();
    }

    private Model model() {
        return new Model(graph.model(), matrices, inMemory, bound);
    }

    /** Adds everything from the tokens to the states after the last norm; returns their name. */
    private String states(int positions) {
        graph.input("ids", INT64, "B", "T");
        graph.input("lengths", INT32, "B");
        graph.input("total", INT32);
        float[][] tables = config.rotary().tables(positions, config.headSize());
        graph.constant("cosines_table", tables[0], positions, config.headSize() / 2);
        graph.constant("sines_table", tables[1], positions, config.headSize() / 2);
        toCache("cosines_table", "cosines");
        toCache("sines_table", "sines");
        String residual = embedded();
        String delta = "";
        for (int layer = 0; layer < config.layers(); layer++) {
            String prefix = "model.layers." + layer + ".";
            String normed = "normed_" + layer;
            residual = norm(residual, delta, prefix + "input_layernorm.weight", normed, "residual_a" + layer);
            delta = attention(normed, prefix, layer);
            normed = "normed_mlp_" + layer;
            residual = norm(residual, delta, prefix + "post_attention_layernorm.weight", normed, "residual_b" + layer);
            delta = feedForward(normed, prefix, layer);
        }
        norm(residual, delta, ModelTensors.LAST_NORM, "states", "residual_end");
        return "states";
    }

    /**
     * Each token's row. Where fewer bits are wanted, rows are read from the file as they lie there: that takes no memory at
     * all and loses nothing.
     */
    private String embedded() {
        if (half() && checkpoint.memory().isPresent()) {
            return widened(
                    graph.node("", "Gather", List.of(computed(ModelTensors.EMBEDDINGS), "ids"), "rows"), "embedded");
        }
        if (precision.exact()) {
            return graph.node("", "Gather", List.of(weight(ModelTensors.EMBEDDINGS), "ids"), "embedded");
        }
        Safetensors.Entry entry = stored(ModelTensors.EMBEDDINGS);
        String rows = graph.node("", "Gather", List.of(ModelTensors.EMBEDDINGS, "ids"), "embedded_stored");
        return entry.format().onnxType() == FLOAT ? rows : widened(rows, "embedded");
    }

    /** Adds {@code delta} to {@code residual} and norms the sum, in float32; returns the name of the sum. */
    private String norm(String residual, String delta, String gain, String out, String sum) {
        String normed = half() ? out + "_wide" : out;
        String whole = residual;
        if (delta.isEmpty()) {
            graph.node(
                    "",
                    "SimplifiedLayerNormalization",
                    List.of(residual, weight(gain)),
                    normed,
                    epsilon(),
                    integer("axis", -1));
        } else {
            String added = half() ? widened(delta, delta + "_wide") : delta;
            graph.node(
                    MICROSOFT,
                    "SkipSimplifiedLayerNormalization",
                    List.of(residual, added, weight(gain)),
                    List.of(normed, "", "", sum),
                    epsilon());
            whole = sum;
        }
        if (half()) {
            narrowed(normed, out);
        }
        return whole;
    }

    /** Whether what is between two norms is computed in float16. */
    private boolean half() {
        return precision.computeType() == ElementType.FLOAT16;
    }

    private String widened(String name, String out) {
        return graph.node("", "Cast", List.of(name), out, integer("to", FLOAT));
    }

    private String narrowed(String name, String out) {
        return graph.node(
                "",
                "Cast",
                List.of(name),
                out,
                integer("to", precision.computeType().code()));
    }

    private AttributeProto epsilon() {
        return real("epsilon", config.normEpsilon());
    }

    private String attention(String input, String prefix, int layer) {
        String attention = prefix + "self_attn.";
        List<String> queriesKeysValues = config.architecture().normed()
                ? normedHeads(input, attention, layer)
                : List.of(projected(input, attention, layer), "", "");
        List<String> past = config.rewardModel() ? List.of("", "") : cache(layer);
        List<String> converted = queriesKeysValues.stream()
                .map(name -> name.isEmpty() || half() ? name : toCache(name, name + "_cached"))
                .toList();
        String attended = "attended_" + layer;
        graph.node(
                MICROSOFT,
                "GroupQueryAttention",
                Stream.of(converted, past, List.of("lengths", "total", "cosines", "sines"))
                        .flatMap(List::stream)
                        .toList(),
                List.of(attended + "_cached", "key_" + layer, "value_" + layer),
                integer("num_heads", config.heads()),
                integer("kv_num_heads", config.keyValueHeads()),
                integer("do_rotary", 1));
        if (half()) {
            return multiply(attended + "_cached", attention + "o_proj.weight", "attention_out_" + layer);
        }
        widened(attended + "_cached", attended);
        return multiply(attended, attention + "o_proj.weight", "attention_out_" + layer);
    }

    /** Keys and values are kept, and attention computes, in these; a cast to what something is already is left out. */
    private ElementType cacheType() {
        return precision.cacheType();
    }

    private String toCache(String name, String out) {
        return graph.node(
                "", "Cast", List.of(name), out, integer("to", cacheType().code()));
    }

    /** Queries, keys and values of all heads in one. */
    private String projected(String input, String attention, int layer) {
        List<String> projections = List.of("q_proj", "k_proj", "v_proj");
        List<String> tensors =
                projections.stream().map(name -> attention + name + ".weight").toList();
        String projected = multiply(input, tensors, "qkv_" + layer, precision.bits());
        if (config.architecture().biased()) {
            List<String> biases = projections.stream()
                    .map(name -> computed(attention + name + ".bias"))
                    .toList();
            String bias = graph.node("", "Concat", biases, "qkv_bias_" + layer, integer("axis", 0));
            projected = graph.node("", "Add", List.of(projected, bias), "qkv_biased_" + layer);
        }
        return projected;
    }

    /** Queries and keys, each head normed by itself (Qwen3), and values. */
    private List<String> normedHeads(String input, String attention, int layer) {
        String queries = multiply(input, attention + "q_proj.weight", "q_" + layer);
        String keys = multiply(input, attention + "k_proj.weight", "k_" + layer);
        String values = multiply(input, attention + "v_proj.weight", "v_" + layer);
        return List.of(
                headNorm(queries, attention + "q_norm.weight", config.heads()),
                headNorm(keys, attention + "k_norm.weight", config.keyValueHeads()),
                values);
    }

    private String headNorm(String projected, String gain, int heads) {
        String apart = graph.reshaped(projected, projected + "_apart", 0, 0, heads, config.headSize());
        String normed = graph.node(
                "",
                "SimplifiedLayerNormalization",
                List.of(apart, computed(gain)),
                projected + "_normed",
                epsilon(),
                integer("axis", -1));
        return graph.reshaped(normed, projected + "_joined", 0, 0, (long) heads * config.headSize());
    }

    /** Adds a layer's past as inputs and what it becomes as outputs; returns the inputs' names. */
    private List<String> cache(int layer) {
        List<String> past = new ArrayList<>();
        for (String side : List.of("key", "value")) {
            Object[] shape = {"B", config.keyValueHeads(), "S", config.headSize()};
            String input = "past_%s_%d".formatted(side, layer);
            past.add(input);
            graph.input(input, cacheType().code(), shape);
            graph.output("%s_%d".formatted(side, layer), cacheType().code(), shape);
        }
        return past;
    }

    private String feedForward(String input, String prefix, int layer) {
        String gate = multiply(input, prefix + "mlp.gate_proj.weight", "gate_" + layer);
        String up = multiply(input, prefix + "mlp.up_proj.weight", "up_" + layer);
        String sigmoid = graph.node("", "Sigmoid", List.of(gate), "sigmoid_" + layer);
        String silu = graph.node("", "Mul", List.of(gate, sigmoid), "silu_" + layer);
        String gated = graph.node("", "Mul", List.of(silu, up), "gated_" + layer);
        return multiply(gated, prefix + "mlp.down_proj.weight", "down_" + layer);
    }

    private String multiply(String input, String tensor, String out) {
        return multiply(input, List.of(tensor), out, precision.bits());
    }

    /** {@code input · weightᵀ}, the weight being {@code tensors} stacked one below the other, with their adapters. */
    private String multiply(String input, List<String> tensors, String out, int bits) {
        Optional<Adapter.Stacked> adapters = checkpoint
                .adapter()
                .flatMap(adapter ->
                        adapter.stacked(tensors.stream().map(this::shape).toList()));
        if (adapters.isEmpty()) {
            return multiplyAlone(input, tensors, out, bits);
        }
        Adapter.Stacked stacked = adapters.get();
        String product = multiplyAlone(input, tensors, out + "_base", bits);
        String down = factor(out + "_down", stacked.down(), stacked.in(), stacked.rank());
        String up = factor(out + "_up", stacked.up(), stacked.rank(), stacked.out());
        String low = graph.node("", "MatMul", List.of(input, down), out + "_low");
        String delta = graph.node("", "MatMul", List.of(low, up), out + "_delta");
        return graph.node("", "Add", List.of(product, delta), out);
    }

    /**
     * A matrix of an adapter, which is in memory in float32: an input where versions of one base compute by one graph; a
     * constant where a GPU computes, which would round it at each step.
     */
    private String factor(String name, MemorySegment numbers, long... shape) {
        InMemory weight = new InMemory(numbers, ElementType.FLOAT32, shape);
        if (half()) {
            graph.given(name, FLOAT, shape);
            inMemory.put(name, weight);
            return narrowed(name, name + "_half");
        }
        graph.input(name, FLOAT, LongStream.of(shape).boxed().toArray());
        bound.put(name, weight);
        return name;
    }

    private String multiplyAlone(String input, List<String> tensors, String out, int bits) {
        if (precision.quantized()) {
            return multiplyInBlocks(input, tensors, out, bits);
        }
        if (checkpoint.memory().isPresent()) {
            long columns = shape(tensors.getFirst()).dimensions().getLast();
            long rows = tensors.stream()
                    .mapToLong(tensor -> shape(tensor).dimensions().getFirst())
                    .sum();
            MemorySegment transposed = checkpoint.memory().get().transposed(tensors, memoryFormat());
            String given = inMemory(out + "_weight_t", transposed, precision.computeType(), columns, rows);
            return graph.node("", "MatMul", List.of(input, given), out);
        }
        List<String> parts = tensors.stream().map(this::computed).toList();
        String weight = parts.size() == 1
                ? parts.getFirst()
                : graph.node("", "Concat", parts, out + "_weight", integer("axis", 0));
        // The transposition is folded into the weight when the session is made.
        String transposed = graph.node("", "Transpose", List.of(weight), out + "_weight_t", integers("perm", 1, 0));
        return graph.node("", "MatMul", List.of(input, transposed), out);
    }

    private String multiplyInBlocks(String input, List<String> tensors, String out, int wanted) {
        List<Checkpoint.Location> locations =
                tensors.stream().map(this::location).toList();
        long columns = locations.getFirst().entry().dimensions().getLast();
        BlockMatrix matrix = new BlockMatrix(out, locations, columns % BlockMatrix.BLOCK == 0 ? wanted : HEAD_BITS);
        matrices.add(matrix);
        graph.given(matrix.numbersName(), UINT8, matrix.rows(), matrix.blocks(), matrix.blockBytes());
        graph.given(matrix.scalesName(), FLOAT, matrix.rows(), matrix.blocks());
        String product = graph.node(
                MICROSOFT,
                "MatMulNBits",
                List.of(input, matrix.numbersName(), matrix.scalesName()),
                matrix.hasOffsets() ? out + "_scaled" : out,
                integer("N", matrix.rows()),
                integer("K", matrix.columns()),
                integer("bits", matrix.bits()),
                integer("block_size", BlockMatrix.BLOCK),
                integer("accuracy_level", INT8_PRODUCTS));
        if (!matrix.hasOffsets()) {
            return product;
        }
        graph.given(matrix.offsetsName(), FLOAT, matrix.blocks(), matrix.rows());
        String offset =
                graph.node("", "MatMul", List.of(blockSums(input, matrix), matrix.offsetsName()), out + "_offset");
        return graph.node("", "Add", List.of(product, offset), out);
    }

    /** The sums of the input's blocks; of one input, once. */
    private String blockSums(String input, BlockMatrix matrix) {
        return sums.computeIfAbsent(input, name -> {
            String blocks = graph.reshaped(name, name + "_blocks", 0, 0, matrix.blocks(), BlockMatrix.BLOCK);
            graph.longs(name + "_axis", 3);
            return graph.node("", "ReduceSum", List.of(blocks, name + "_axis"), name + "_sums", integer("keepdims", 0));
        });
    }

    /** The name of a weight as float32; one that was asked for before is not added again. */
    private String weight(String tensor) {
        return weights.computeIfAbsent(tensor, this::added);
    }

    private String added(String tensor) {
        if (checkpoint.memory().isPresent()) {
            MemorySegment numbers = checkpoint.memory().get().tensor(tensor, NumberFormat.F32);
            return inMemory(tensor, numbers, ElementType.FLOAT32, shape(tensor).shape());
        }
        return stored(tensor).format().onnxType() == FLOAT ? tensor : widened(tensor, tensor + "_f32");
    }

    /** The name of a weight in the type in which it is computed with. */
    private String computed(String tensor) {
        return half() ? halves.computeIfAbsent(tensor, this::addedHalf) : weight(tensor);
    }

    private String addedHalf(String tensor) {
        if (checkpoint.memory().isPresent()) {
            MemorySegment numbers = checkpoint.memory().get().tensor(tensor, memoryFormat());
            return inMemory(
                    tensor + "_f16", numbers, ElementType.FLOAT16, shape(tensor).shape());
        }
        return stored(tensor).format() == NumberFormat.F16 ? tensor : narrowed(tensor, tensor + "_f16");
    }

    private NumberFormat memoryFormat() {
        return half() ? NumberFormat.F16 : NumberFormat.F32;
    }

    private String inMemory(String name, MemorySegment numbers, ElementType type, long... shape) {
        InMemory weight = new InMemory(numbers, type, shape);
        if (checkpoint.memory().orElseThrow().onGpu()) {
            graph.input(name, type.code(), LongStream.of(shape).boxed().toArray());
            bound.put(name, weight);
        } else {
            graph.given(name, type.code(), shape);
            inMemory.put(name, weight);
        }
        return name;
    }

    private TensorShape shape(String tensor) {
        return config.tensors().stream()
                .filter(shape -> shape.name().equals(tensor))
                .findFirst()
                .orElseThrow();
    }

    private Checkpoint.Location location(String tensor) {
        return checkpoint
                .location(tensor)
                .orElseThrow(() -> new UnsupportedCheckpointException("tensor %s is missing".formatted(tensor)));
    }

    /** Adds a tensor as it lies in its file, once. */
    private Safetensors.Entry stored(String tensor) {
        Checkpoint.Location location = location(tensor);
        Safetensors.Entry entry = location.entry();
        if (!stored.add(tensor)) {
            return entry;
        }
        graph.stored(tensor, entry, String.valueOf(location.file().file().getFileName()));
        return entry;
    }
}
