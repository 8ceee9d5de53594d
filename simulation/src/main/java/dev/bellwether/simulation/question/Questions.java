package dev.bellwether.simulation.question;

import dev.bellwether.simulation.file.TextFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** The questions of a CSV file. */
public record Questions(List<Question> all) {
    private static final CSVFormat FORMAT = CSVFormat.DEFAULT
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setIgnoreHeaderCase(true)
            .setTrim(true)
            .get();
    private static final List<String> COLUMNS = List.of("text", "category");
    public static final int HELD_OUT_LEAST = 100;

    private static final long ORDER_SEED = 20_240_601;

    public Questions {
        all = List.copyOf(new LinkedHashSet<>(all));
    }

    /**
     * Reads a CSV file with the columns {@code text} and {@code category}, in capitals or small letters.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    public static Questions read(Path file) throws IOException {
        String text = new TextFile(file, "a CSV file with the columns text,category").read();
        try (CSVParser parser = CSVParser.parse(text, FORMAT)) {
            if (!parser.getHeaderMap().keySet().containsAll(COLUMNS)) {
                throw new IOException("%s has the columns %s; needed are text,category"
                        .formatted(file, String.join(",", parser.getHeaderNames())));
            }
            return new Questions(rows(file, parser));
        } catch (UncheckedIOException | IllegalArgumentException e) {
            throw new IOException("%s is not a CSV file: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static List<Question> rows(Path file, CSVParser parser) throws IOException {
        List<Question> questions = new ArrayList<>();
        for (CSVRecord row : parser) {
            if (!row.isConsistent() || row.get("text").isBlank()) {
                throw new IOException("%s, record %d: a text and a category are needed, found %s"
                        .formatted(file, row.getRecordNumber(), row.toList()));
            }
            questions.add(new Question(row.get("text"), row.get("category")));
        }
        if (questions.isEmpty()) {
            throw new IOException("%s has no questions".formatted(file));
        }
        return questions;
    }

    /** The questions that are kept out of training. */
    public List<Question> heldOut() {
        return all.stream().filter(Question::heldOut).toList();
    }

    /** The questions for customers to ask: those not held out, or all where fewer than 100 are. */
    public List<Question> asked() {
        return all.stream()
                .filter(question -> fewHeldOut() || !question.heldOut())
                .toList();
    }

    /** Whether too few are held out to measure with, so that those that customers ask are measured with, too. */
    public boolean fewHeldOut() {
        return heldOut().size() < HELD_OUT_LEAST;
    }

    /**
     * At most {@code most} questions to measure with, the same ones in the same mixed order each time: held-out ones, or
     * of all where fewer than 100 are held out.
     */
    public List<Question> measured(int most) {
        List<Question> mixed = new ArrayList<>(fewHeldOut() ? all : heldOut());
        Collections.shuffle(mixed, new Random(ORDER_SEED));
        return List.copyOf(mixed.subList(0, Math.min(most, mixed.size())));
    }
}
