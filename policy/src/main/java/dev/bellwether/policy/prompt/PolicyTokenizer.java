package dev.bellwether.policy.prompt;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * The tokenizer and chat template of a checkpoint directory, the same in serving and in training; safe for use by many
 * threads. What people write is text in all of it: a control token's letters are tokens of letters.
 */
public final class PolicyTokenizer implements AutoCloseable {
    static {
        // The library asks the network for its own address otherwise.
        System.setProperty("ai.djl.offline", "true");
    }

    private final HuggingFaceTokenizer tokenizer;
    private final PromptTemplate template;
    private final ControlTokens controlTokens;
    private final TokenizerFile file;
    private final Map<Integer, String> words;
    private final boolean ownTemplate;
    private final int longestToken;

    private PolicyTokenizer(TokenizerFile.Read read, ChatTemplateFile templateFile) throws IOException {
        this.file = read.file();
        this.controlTokens = new ControlTokens(file.control());
        this.template = new PromptTemplate(
                templateFile.source(file.added()),
                templateFile.specialTokens(),
                controlTokens,
                Clock.system(ZoneId.systemDefault()));
        this.ownTemplate = templateFile.present();
        this.words = file.byteLevel() ? file.words() : Map.of();
        this.longestToken = file.longestToken();
        this.tokenizer = HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(read.renamed()),
                Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
    }

    /** Opens the tokenizer's and the template's files in {@code directory}. */
    public static PolicyTokenizer open(Path directory) {
        try {
            return new PolicyTokenizer(TokenizerFile.read(directory), ChatTemplateFile.read(directory));
        } catch (UnsupportedCheckpointException e) {
            throw e;
        } catch (NoSuchFileException e) {
            throw new UnsupportedCheckpointException("%s is missing".formatted(e.getFile()), e);
        } catch (IOException | RuntimeException e) {
            throw new UnsupportedCheckpointException(
                    "the tokenizer in %s cannot be read: %s".formatted(directory, e.getMessage()), e);
        }
    }

    /** Whether the checkpoint brings a template of its own; without one its prompts are ChatML. */
    public boolean ownTemplate() {
        return ownTemplate;
    }

    /** The most characters that one token stands for: a text of more characters than tokens times this is too long. */
    public int longestToken() {
        return longestToken;
    }

    /** Whether whole characters' tokens mean the same text whatever stands before them. */
    public boolean decodesTokensAlone() {
        return file.byteLevel();
    }

    /** Refuses a tokenizer that makes tokens which a model of {@code vocabularySize} has no embedding for. */
    public void requireWithin(int vocabularySize) {
        if (file.highestToken() >= vocabularySize) {
            throw new UnsupportedCheckpointException("tokenizer.json has the token %d, config.json a vocab_size of %d"
                    .formatted(file.highestToken(), vocabularySize));
        }
    }

    /**
     * The template's own text for {@code turns}, as tokens; what the model continues.
     *
     * @throws PromptRefusedException in the template's words
     */
    public int[] prompt(List<Turn> turns) {
        return laidOut(template.marked(turns, true));
    }

    /** What the model reads of messages with whatever fields they have, as text and as tokens. */
    public Prompt read(List<? extends Map<String, ?>> messages, boolean replyFollows) {
        String marked = template.markedMessages(messages, replyFollows);
        return new Prompt(ControlTokens.unmarked(marked), laidOut(marked));
    }

    /** A conversation as a model reads it. */
    public record Prompt(String text, int[] tokens) {}

    private int[] laidOut(String marked) {
        return encodeRenamed(controlTokens.renamed(marked, file::name));
    }

    /** That one of {@code endTokens} with which the template closes a reply; the first where it has none of them. */
    public int endOfReply(List<Integer> endTokens) {
        int[] closed = laidOut(template.marked(List.of(Turn.user("a"), Turn.assistant("b")), false));
        for (int i = closed.length - 1; i >= 0; i--) {
            if (endTokens.contains(closed[i])) {
                return closed[i];
            }
        }
        return endTokens.getFirst();
    }

    /** The control token with which the template ends the assistant's turn, if that is none of {@code endTokens}. */
    public Optional<String> unendedTurn(List<Integer> endTokens) {
        List<Turn> turns = List.of(Turn.user("a"), Turn.assistant("b"));
        int[] closed = laidOut(template.marked(turns, false));
        int[] open = laidOut(template.marked(List.of(Turn.user("a")), true));
        for (int i = open.length; i < closed.length; i++) {
            Optional<String> token = file.controlToken(closed[i]);
            if (token.isPresent()) {
                return endTokens.contains(closed[i]) ? Optional.empty() : token;
            }
        }
        return Optional.empty();
    }

    /**
     * A whole reply as tokens: its text, then {@code endToken}. Behind {@link #prompt} it is what is learned from and
     * what is judged.
     */
    public int[] reply(String text, int endToken) {
        int[] tokens = encode(text);
        int[] ended = Arrays.copyOf(tokens, tokens.length + 1);
        ended[tokens.length] = endToken;
        return ended;
    }

    /** The tokens of what somebody wrote: of letters alone, whatever they spell. */
    public int[] encode(String text) {
        return encodeRenamed(ControlTokens.unmarked(controlTokens.guard(text)));
    }

    /** The token of that text, if it is a control token or another of the added ones. */
    public int addedToken(String text) {
        return file.id(text);
    }

    private int[] encodeRenamed(String text) {
        return LongStream.of(tokenizer.encode(text, false, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /** The text of {@code tokens} with the control tokens in it, as the library reads it back. */
    public String written(int[] tokens) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        for (int i = 0; i < tokens.length; i++) {
            Optional<String> control = file.controlToken(tokens[i]);
            if (control.isPresent()) {
                text.append(decode(Arrays.copyOfRange(tokens, from, i))).append(control.get());
                from = i + 1;
            }
        }
        return text.append(decode(Arrays.copyOfRange(tokens, from, tokens.length)))
                .toString();
    }

    /** The text of {@code tokens}, control tokens left out; half a character at the end reads as U+FFFD. */
    public String decode(int[] tokens) {
        StringBuilder text = new StringBuilder();
        int from = 0;
        for (int i = 0; i < tokens.length; i++) {
            // Its letters would be read as bytes.
            String word = words.get(tokens[i]);
            if (word != null) {
                text.append(decode(tokens, from, i)).append(word);
                from = i + 1;
            }
        }
        return text.append(decode(tokens, from, tokens.length)).toString();
    }

    private String decode(int[] tokens, int from, int to) {
        return from == to
                ? ""
                : tokenizer.decode(
                        Arrays.stream(tokens, from, to).asLongStream().toArray(), true);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
