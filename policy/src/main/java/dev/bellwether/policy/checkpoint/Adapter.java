package dev.bellwether.policy.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Low-rank adapters of a model as PEFT keeps them, in a folder with {@code adapter_config.json} and {@code
 * adapter_model.safetensors}.
 *
 * @see <a href="https://huggingface.co/docs/peft/developer_guides/checkpoint">PEFT's checkpoint format</a>
 */
public final class Adapter {
    public static final String CONFIG = "adapter_config.json";
    public static final String WEIGHTS = "adapter_model.safetensors";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NAME = Pattern.compile(".*\\.(\\w+)\\.lora_[AB]\\.weight");

    /** What would have to be computed otherwise than W + alpha/r·B·A, by its field and the value that leaves it out. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "use_dora", "false",
            "use_rslora", "false",
            "fan_in_fan_out", "false",
            "bias", "none",
            "rank_pattern", "{}",
            "alpha_pattern", "{}",
            "modules_to_save", "null",
            "trainable_token_indices", "null",
            "layer_replication", "null",
            "alora_invocation_tokens", "null");

    /** Ways to begin that take from the base what they put into the adapter, so that it fits no base but that. */
    private static final Pattern BASE_CHANGED = Pattern.compile("(pissa|olora|corda|loftq|lora_ga).*");

    private final LoraConfig lora;
    private final Safetensors file;

    private Adapter(LoraConfig lora, Safetensors file) {
        this.lora = lora;
        this.file = file;
    }

    /**
     * Opens adapters of a model of the shape {@code base}.
     *
     * @throws UnsupportedCheckpointException by the name of what is not supported, is no number, or does not fit the base
     */
    public static Adapter open(Path folder, CheckpointConfig base) {
        JsonNode json = config(folder);
        Safetensors file = Safetensors.open(folder.resolve(WEIGHTS));
        LoraConfig lora = lora(
                json,
                file.entries().keySet().stream().map(Adapter::target).distinct().toList());
        List<TensorShape> fitting = lora.tensors(base);
        for (Safetensors.Entry entry : file.entries().values()) {
            TensorShape found = new TensorShape(entry.name(), entry.dimensions());
            if (!fitting.contains(found)) {
                throw new UnsupportedCheckpointException("adapter: tensor %s %s does not fit the base, of rank %d"
                        .formatted(found.name(), found.dimensions(), lora.rank()));
            }
            entry.requireFormat();
            if (!file.finite(entry)) {
                throw new UnsupportedCheckpointException(
                        "adapter: tensor %s holds a number that is not finite".formatted(entry.name()));
            }
        }
        for (TensorShape matrix : lora.adapted(base)) {
            if (file.entries().containsKey(LoraConfig.down(matrix.name()))
                    != file.entries().containsKey(LoraConfig.up(matrix.name()))) {
                throw new UnsupportedCheckpointException(
                        "adapter: of %s there is only one half".formatted(matrix.name()));
            }
        }
        return new Adapter(lora, file);
    }

    private static JsonNode config(Path folder) {
        try {
            JsonNode json = JSON.readTree(folder.resolve(CONFIG).toFile());
            if (!json.path("peft_type").asText().equals("LORA")) {
                throw new UnsupportedCheckpointException(
                        "%s: peft_type %s is not supported, only LORA is".formatted(CONFIG, json.path("peft_type")));
            }
            UNSUPPORTED.forEach((field, without) -> {
                JsonNode value = json.path(field);
                if (!value.isMissingNode()
                        && !value.isNull()
                        && !value.asText().equals(without)
                        && !value.toString().equals(without)
                        && !(value.isContainerNode() && value.isEmpty())) {
                    throw new UnsupportedCheckpointException(
                            "%s: %s %s is not supported".formatted(CONFIG, field, value));
                }
            });
            String begun = json.path("init_lora_weights").asText().toLowerCase(Locale.ROOT);
            if (BASE_CHANGED.matcher(begun).matches()) {
                throw new UnsupportedCheckpointException(
                        "%s: init_lora_weights %s is not supported: it changes the base; save the adapter with `path_initial_model_for_weight_conversion`, or merged"
                                .formatted(CONFIG, begun));
            }
            return json;
        } catch (IOException e) {
            throw UnsupportedCheckpointException.unreadable(folder.resolve(CONFIG), e);
        }
    }

    private static LoraConfig lora(JsonNode json, List<String> targets) {
        try {
            return new LoraConfig(
                    json.path("r").asInt(), json.path("lora_alpha").asDouble(), targets);
        } catch (IllegalArgumentException e) {
            throw new UnsupportedCheckpointException("%s: %s".formatted(CONFIG, e.getMessage()), e);
        }
    }

    private static String target(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            throw new UnsupportedCheckpointException(
                    "adapter: tensor %s is none of a low-rank adapter".formatted(name));
        }
        return matcher.group(1);
    }

    /** Whether a folder holds adapters alone. */
    static boolean alone(Path folder) {
        return Files.exists(folder.resolve(CONFIG)) && !WeightFiles.anyOwn(folder);
    }

    public LoraConfig lora() {
        return lora;
    }

    /** Where the adapters' tensors lie, by PEFT's names. */
    public Map<String, Safetensors.Entry> entries() {
        return file.entries();
    }

    /** One of them. */
    public Checkpoint.Location location(String name) {
        Safetensors.Entry entry = file.entries().get(name);
        if (entry == null) {
            throw new UnsupportedCheckpointException("adapter: tensor %s is missing".formatted(name));
        }
        return new Checkpoint.Location(file, entry);
    }

    /** Whether the model's tensor {@code matrix} has an adapter. */
    public boolean covers(String matrix) {
        return file.entries().containsKey(LoraConfig.down(matrix));
    }

    /**
     * The adapters of matrices that stand one below the other, as two matrices: what an input x {@code [in]} gets besides is
     * x·down·up.
     *
     * @param down {@code [in, rank]}, row-major float32
     * @param up {@code [rank, out]}, scaled
     * @param rank of all of them together
     */
    public record Stacked(MemorySegment down, MemorySegment up, long in, long rank, long out) {}

    /** Of {@code matrices} {@code [out, in]}; none where none of them has an adapter. */
    public Optional<Stacked> stacked(List<TensorShape> matrices) {
        List<TensorShape> covered =
                matrices.stream().filter(each -> covers(each.name())).toList();
        if (covered.isEmpty()) {
            return Optional.empty();
        }
        int in = Math.toIntExact(matrices.getFirst().dimensions().getLast());
        int out = Math.toIntExact(matrices.stream()
                .mapToLong(each -> each.dimensions().getFirst())
                .sum());
        int rank = lora.rank();
        int ranks = rank * covered.size();
        MemorySegment down = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) in * ranks);
        MemorySegment up = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, (long) ranks * out);
        int row = 0;
        int block = 0;
        for (TensorShape matrix : matrices) {
            int rows = Math.toIntExact(matrix.dimensions().getFirst());
            if (covers(matrix.name())) {
                transpose(file.read(LoraConfig.down(matrix.name())), rank, in, down, (long) block * rank, ranks, 1);
                transpose(
                        file.read(LoraConfig.up(matrix.name())),
                        rows,
                        rank,
                        up,
                        (long) block * rank * out + row,
                        out,
                        lora.scale());
                block++;
            }
            row += rows;
        }
        return Optional.of(new Stacked(down, up, in, ranks, out));
    }

    /** Writes {@code matrix} [rows, columns], transposed and scaled, into {@code target}, whose rows are {@code stride} long. */
    private static void transpose(
            float[] matrix, int rows, int columns, MemorySegment target, long offset, long stride, double scale) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                target.setAtIndex(
                        ValueLayout.JAVA_FLOAT, offset + j * stride + i, (float) (scale * matrix[i * columns + j]));
            }
        }
    }
}
