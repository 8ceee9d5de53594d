package dev.bellwether.trainer.dataset;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.bellwether.event.Feedback;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Message;
import dev.bellwether.event.PreferencePair;
import dev.bellwether.event.RatedInteraction;
import dev.bellwether.event.Reply;
import dev.bellwether.event.Source;
import dev.bellwether.policy.checkpoint.Checkpoint;
import dev.bellwether.policy.checkpoint.CheckpointFiles;
import dev.bellwether.policy.engine.OnnxExport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code train export}: a snapshot in the formats that other trainers read (TRL's conversational ones), or a model in that
 * which other runtimes read.
 */
@Command(
        name = "export",
        description =
                "Write a snapshot's pairs, thumbs and demonstrations for other trainers, or a model for other runtimes.")
public final class ExportCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ArgGroup(multiplicity = "1")
    private From from = new From();

    @Option(
            names = "--out",
            required = true,
            description =
                    "Folder to write to: preference.jsonl, unary.jsonl and demonstrations.jsonl of a snapshot; of a"
                            + " model model.onnx with its weights and tokenizer.")
    private Path out = Path.of("");

    private static final class From {
        @Option(names = "--snapshot", description = "Folder with pairs.jsonl and rated.jsonl.")
        private @Nullable Path snapshot;

        @Option(
                names = "--onnx",
                paramLabel = "DIR",
                description = "Folder of a checkpoint, or of a version: written as an ONNX model in float32.")
        private @Nullable Path model;
    }

    @Override
    public Integer call() throws IOException {
        if (from.model != null) {
            writeModel(from.model);
        } else {
            writeSnapshot(Objects.requireNonNull(from.snapshot));
        }
        return 0;
    }

    private void writeModel(Path model) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(model);
        checkpoint.requireFinite();
        Files.createDirectories(out);
        if (Files.isSameFile(checkpoint.weightsDirectory(), out)) {
            throw new IOException("--out %s is the folder of the model itself".formatted(out));
        }
        CheckpointFiles.copyAll(checkpoint.weightsDirectory(), out);
        OnnxExport.write(checkpoint, out);
        System.out.printf("%s with its weights and tokenizer in %s%n", OnnxExport.FILE, out);
    }

    private void writeSnapshot(Path snapshot) throws IOException {
        if (!Snapshot.exists(snapshot)) {
            throw new IOException("%s holds no pairs.jsonl and rated.jsonl".formatted(snapshot));
        }
        Snapshot taken = Snapshot.read(snapshot);
        List<ObjectNode> preferences = new ArrayList<>();
        for (PreferencePair pair : taken.pairs()) {
            ObjectNode json = JSON.createObjectNode();
            json.set("prompt", turns(pair.prompt()));
            json.set("chosen", turns(List.of(assistant(pair.chosen().text()))));
            json.set("rejected", turns(List.of(assistant(pair.rejected().text()))));
            preferences.add(json);
        }
        List<ObjectNode> unary = new ArrayList<>();
        List<ObjectNode> demonstrations = new ArrayList<>();
        for (RatedInteraction rated : taken.rated()) {
            for (Feedback judgement : rated.judgements()) {
                List<Message> prompt = rated.interaction().prompt();
                if (judgement.signal() instanceof Thumb thumb) {
                    Reply reply = rated.interaction().replies().get(judgement.choice());
                    Message message = new Message("assistant", reply.text(), reply.toolCalls());
                    unary.add(completion(prompt, message).put("label", thumb.up()));
                } else if (judgement.signal() instanceof Edit edit && judgement.source() != Source.END_USER) {
                    demonstrations.add(completion(prompt, assistant(edit.text())));
                }
            }
        }
        Files.createDirectories(out);
        JsonLines.write(out.resolve("preference.jsonl"), JSON, preferences);
        JsonLines.write(out.resolve("unary.jsonl"), JSON, unary);
        JsonLines.write(out.resolve("demonstrations.jsonl"), JSON, demonstrations);
        System.out.printf(
                "%d pairs, %d thumbs, %d demonstrations in %s%n",
                preferences.size(), unary.size(), demonstrations.size(), out);
    }

    private static ObjectNode completion(List<Message> prompt, Message reply) {
        ObjectNode json = JSON.createObjectNode();
        json.set("prompt", turns(prompt));
        json.set("completion", turns(List.of(reply)));
        return json;
    }

    private static Message assistant(String text) {
        return new Message("assistant", text);
    }

    private static ArrayNode turns(List<Message> messages) {
        ArrayNode turns = JSON.createArrayNode();
        for (Message message : messages) {
            ObjectNode turn = turns.addObject().put("role", message.role()).put("content", message.content());
            if (message.toolCalls() != null) {
                turn.set("tool_calls", message.toolCalls());
            }
        }
        return turns;
    }
}
