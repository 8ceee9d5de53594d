package dev.bellwether.simulation.operator;

import java.io.IOException;

/** An operator's call that a gateway refused, or did not answer. */
public final class OperatorException extends IOException {
    private final String code;

    OperatorException(String code, String message) {
        super(message);
        this.code = code;
    }

    /** The gateway's stable code; {@code no_response} when it did not answer. */
    public String code() {
        return code;
    }
}
