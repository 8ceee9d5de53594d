package dev.bellwether.trainer.collected;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A file of judgements: JSON lines, or one JSON array, in one or several of
 *
 * <ul>
 *   <li>TRL's preference format, {@code prompt}, {@code chosen} and {@code rejected}, as texts or messages, the prompt also within
 *       the two others, as transcripts of {@code Human:} and {@code Assistant:} have it (HH-RLHF);
 *   <li>TRL's unpaired format, {@code prompt}, {@code completion} and {@code label};
 *   <li>Label Studio's tasks with a {@code Pairwise} control.
 * </ul>
 *
 * @see <a href="https://huggingface.co/docs/trl/dataset_formats">TRL: Dataset formats and types</a>
 * @see <a href="https://arxiv.org/abs/2204.05862">Bai et al.: Training a Helpful and Harmless Assistant with RLHF</a>
 * @see <a href="https://labelstud.io/guide/task_format">Label Studio: Task format</a>
 */
final class FeedbackFile {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Of values that others follow. */
    private static final ObjectReader AMONG_OTHERS =
            JSON.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final Path file;
    private final List<Judged> judged = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private int records;
    private int unjudged;

    private FeedbackFile(Path file) {
        this.file = file;
    }

    /**
     * What a file holds.
     *
     * @param records of the file
     * @param unjudged of them nobody has judged
     * @param faults of records that cannot be read as meant, each with file and line, or the record's number
     */
    record Contents(List<Judged> judged, int records, int unjudged, List<String> faults) {}

    static Contents read(Path file) throws IOException {
        FeedbackFile reading = new FeedbackFile(file);
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            reader.mark(2);
            int first = reader.read();
            boolean marked = first == '\uFEFF';
            if (!marked) {
                reader.reset();
            }
            reading.read(reader);
        } catch (CharacterCodingException e) {
            throw new IOException("%s is not UTF-8, behind record %d".formatted(file, reading.records), e);
        }
        return new Contents(
                List.copyOf(reading.judged), reading.records, reading.unjudged, List.copyOf(reading.faults));
    }

    private void read(BufferedReader reader) throws IOException {
        int line = 0;
        for (String text = reader.readLine(); text != null; text = reader.readLine()) {
            line++;
            if (text.isBlank()) {
                continue;
            }
            if (records == 0 && text.stripLeading().startsWith("[")) {
                readArray();
                return;
            }
            try {
                take(JSON.readTree(text), "line " + line);
            } catch (JsonProcessingException e) {
                records++;
                faults.add("%s, line %d: %s".formatted(file, line, e.getOriginalMessage()));
            }
        }
    }

    private void readArray() throws IOException {
        try (JsonParser parser = JSON.createParser(file.toFile())) {
            parser.nextToken();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                take(AMONG_OTHERS.readTree(parser), "record %d".formatted(records + 1));
            }
            if (parser.nextToken() != null) {
                throw new IOException("%s goes on behind its JSON array of %d records".formatted(file, records));
            }
        } catch (JsonProcessingException e) {
            throw new IOException(
                    "%s is no JSON array, behind record %d: %s".formatted(file, records, e.getOriginalMessage()), e);
        }
    }

    private void take(JsonNode json, String place) {
        records++;
        try {
            List<Judged> said = JudgedRecord.read(json);
            judged.addAll(said);
            unjudged += said.isEmpty() ? 1 : 0;
        } catch (IllegalArgumentException e) {
            faults.add("%s, %s: %s".formatted(file, place, e.getMessage()));
        }
    }
}
