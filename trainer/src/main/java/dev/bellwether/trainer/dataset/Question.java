package dev.bellwether.trainer.dataset;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** A customer's question and what it is about. */
public record Question(String text, String category) {
    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();

    /** One question in ten, always the same ones, is kept out of training. */
    public boolean heldOut() {
        CRC32 hash = new CRC32();
        hash.update(text.getBytes(StandardCharsets.UTF_8));
        return hash.getValue() % 10 == 0;
    }

    /** Reads a CSV file with the columns {@code text} and {@code category}. */
    public static List<Question> read(Path file) throws IOException {
        try (CSVParser parser = CSVParser.parse(file, StandardCharsets.UTF_8, FORMAT)) {
            if (!parser.getHeaderNames().containsAll(List.of("text", "category"))) {
                throw new IOException(
                        "%s has the columns %s; needed are text,category".formatted(file, parser.getHeaderNames()));
            }
            List<Question> questions = new ArrayList<>();
            for (CSVRecord row : parser) {
                questions.add(new Question(
                        row.get("text").strip(), row.get("category").strip()));
            }
            return questions;
        } catch (NoSuchFileException e) {
            throw new IOException("%s does not exist".formatted(file), e);
        }
    }
}
