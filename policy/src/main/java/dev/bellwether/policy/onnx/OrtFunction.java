package dev.bellwether.policy.onnx;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;

/**
 * The functions of ONNX Runtime's C API that are called here.
 *
 * <p>{@code OrtApi} is a structure of function pointers to which releases only ever append: a function's place in it is
 * part of the ABI. The arguments are those of the header; a function that gives a status gives null where it succeeded.
 *
 * @see <a href="https://onnxruntime.ai/docs/api/c/struct_ort_api.html">OrtApi</a>
 */
@SuppressWarnings("ImmutableEnumChecker") // A FunctionDescriptor is immutable.
enum OrtFunction {
    GET_ERROR_MESSAGE(2, FunctionDescriptor.of(ADDRESS, ADDRESS)),
    CREATE_ENV(3, status(JAVA_INT, ADDRESS, ADDRESS)),
    DISABLE_TELEMETRY_EVENTS(6, status(ADDRESS)),
    CREATE_SESSION_FROM_ARRAY(8, status(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS)),
    CREATE_SESSION_OPTIONS(10, status(ADDRESS)),
    DISABLE_MEM_PATTERN(17, status(ADDRESS)),
    SET_SESSION_GRAPH_OPTIMIZATION_LEVEL(23, status(ADDRESS, JAVA_INT)),
    SET_INTRA_OP_NUM_THREADS(24, status(ADDRESS, JAVA_INT)),
    CREATE_RUN_OPTIONS(39, status(ADDRESS)),
    CREATE_TENSOR_WITH_DATA_AS_ORT_VALUE(
            49, status(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS)),
    CREATE_MEMORY_INFO(68, status(ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS)),
    CREATE_CPU_MEMORY_INFO(69, status(JAVA_INT, JAVA_INT, ADDRESS)),
    RELEASE_STATUS(93, FunctionDescriptor.ofVoid(ADDRESS)),
    RELEASE_SESSION(95, FunctionDescriptor.ofVoid(ADDRESS)),
    RELEASE_VALUE(96, FunctionDescriptor.ofVoid(ADDRESS)),
    RELEASE_RUN_OPTIONS(97, FunctionDescriptor.ofVoid(ADDRESS)),
    RELEASE_SESSION_OPTIONS(100, FunctionDescriptor.ofVoid(ADDRESS)),
    GET_AVAILABLE_PROVIDERS(125, status(ADDRESS, ADDRESS)),
    RELEASE_AVAILABLE_PROVIDERS(126, status(ADDRESS, JAVA_INT)),
    ADD_SESSION_CONFIG_ENTRY(130, status(ADDRESS, ADDRESS, ADDRESS)),
    RUN_WITH_BINDING(133, status(ADDRESS, ADDRESS, ADDRESS)),
    CREATE_IO_BINDING(134, status(ADDRESS, ADDRESS)),
    RELEASE_IO_BINDING(135, FunctionDescriptor.ofVoid(ADDRESS)),
    BIND_INPUT(136, status(ADDRESS, ADDRESS, ADDRESS)),
    BIND_OUTPUT(137, status(ADDRESS, ADDRESS, ADDRESS)),
    CREATE_AND_REGISTER_ALLOCATOR(144, status(ADDRESS, ADDRESS, ADDRESS)),
    RELEASE_ARENA_CFG(157, FunctionDescriptor.ofVoid(ADDRESS)),
    CREATE_ARENA_CFG_V2(164, status(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS)),
    ADD_RUN_CONFIG_ENTRY(165, status(ADDRESS, ADDRESS, ADDRESS)),
    APPEND_CUDA_PROVIDER(204, status(ADDRESS, ADDRESS)),
    CREATE_CUDA_OPTIONS(205, status(ADDRESS)),
    UPDATE_CUDA_OPTIONS(206, status(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG)),
    RELEASE_CUDA_OPTIONS(208, FunctionDescriptor.ofVoid(ADDRESS)),
    ADD_EXTERNAL_INITIALIZERS(210, status(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG));

    private final int place;
    private final FunctionDescriptor descriptor;

    OrtFunction(int place, FunctionDescriptor descriptor) {
        this.place = place;
        this.descriptor = descriptor;
    }

    private static FunctionDescriptor status(MemoryLayout... arguments) {
        return FunctionDescriptor.of(ADDRESS, arguments);
    }

    /** How many function pointers precede it in the structure. */
    int place() {
        return place;
    }

    FunctionDescriptor descriptor() {
        return descriptor;
    }
}
