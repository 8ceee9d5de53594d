package dev.bellwether.simulation.question;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** A customer's question and what it is about. */
public record Question(String text, String category) {

    /** One question in ten, always the same ones, is kept out of training. */
    public boolean heldOut() {
        CRC32 hash = new CRC32();
        hash.update(text.getBytes(StandardCharsets.UTF_8));
        return hash.getValue() % 10 == 0;
    }
}
