package dev.bellwether.trainer.sft;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level byte-pair encoding from texts and lays it out as a Hugging Face {@code tokenizer.json}.
 *
 * @see <a href="https://aclanthology.org/P16-1162/">Sennrich, Haddow and Birch: Neural Machine Translation of Rare
 *     Words with Subword Units</a>
 */
final class BytePairEncoding {
    /** How byte-level tokenizers cut text before merging, as GPT-2 did. */
    private static final Pattern WORDS =
            Pattern.compile("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<String> specialTokens;
    private final List<String> alphabet;
    private final List<Pair> merges;

    private record Pair(String left, String right) {}

    private static final class Word {
        private List<String> symbols;
        private final long count;

        private Word(List<String> symbols, long count) {
            this.symbols = symbols;
            this.count = count;
        }
    }

    private BytePairEncoding(List<String> specialTokens, List<String> alphabet, List<Pair> merges) {
        this.specialTokens = specialTokens;
        this.alphabet = alphabet;
        this.merges = merges;
    }

    /**
     * Learns merges until the vocabulary, special tokens included, has {@code vocabularySize} entries or no pair
     * occurs twice. Equal counts are settled by the pair's text, so the same texts give the same encoding.
     */
    static BytePairEncoding learn(Iterable<String> texts, List<String> specialTokens, int vocabularySize) {
        List<String> alphabet = byteAlphabet();
        List<Word> words = words(texts, alphabet);
        List<Pair> merges = new ArrayList<>();
        while (specialTokens.size() + alphabet.size() + merges.size() < vocabularySize) {
            Map<Pair, Long> counts = new HashMap<>();
            for (Word word : words) {
                for (int i = 1; i < word.symbols.size(); i++) {
                    counts.merge(new Pair(word.symbols.get(i - 1), word.symbols.get(i)), word.count, Long::sum);
                }
            }
            Map.Entry<Pair, Long> best = counts.entrySet().stream()
                    .max(Comparator.<Map.Entry<Pair, Long>>comparingLong(Map.Entry::getValue)
                            .thenComparing(entry -> entry.getKey().left())
                            .thenComparing(entry -> entry.getKey().right()))
                    .orElse(null);
            if (best == null || best.getValue() < 2) {
                break;
            }
            merges.add(best.getKey());
            words.forEach(word -> word.symbols = merge(word.symbols, best.getKey()));
        }
        return new BytePairEncoding(List.copyOf(specialTokens), alphabet, merges);
    }

    private static List<Word> words(Iterable<String> texts, List<String> alphabet) {
        Map<String, Long> counts = new TreeMap<>();
        for (String text : texts) {
            Matcher matcher = WORDS.matcher(text);
            while (matcher.find()) {
                counts.merge(matcher.group(), 1L, Long::sum);
            }
        }
        List<Word> words = new ArrayList<>();
        counts.forEach((word, count) -> {
            List<String> symbols = new ArrayList<>();
            for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
                symbols.add(alphabet.get(b & 0xff));
            }
            words.add(new Word(symbols, count));
        });
        return words;
    }

    private static List<String> merge(List<String> symbols, Pair pair) {
        List<String> merged = new ArrayList<>(symbols.size());
        for (int i = 0; i < symbols.size(); i++) {
            boolean match = i + 1 < symbols.size()
                    && symbols.get(i).equals(pair.left())
                    && symbols.get(i + 1).equals(pair.right());
            merged.add(match ? pair.left() + pair.right() : symbols.get(i));
            i += match ? 1 : 0;
        }
        return merged;
    }

    /** For every byte the printable character that stands for it in {@code tokenizer.json}. */
    private static List<String> byteAlphabet() {
        List<String> alphabet = new ArrayList<>();
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae);
            alphabet.add(Character.toString(printable ? b : next++));
        }
        return alphabet;
    }

    /** Number of tokens, special ones included. */
    int size() {
        return specialTokens.size() + alphabet.size() + merges.size();
    }

    ObjectNode toTokenizerJson() {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        specialTokens.forEach(token -> vocabulary.put(token, vocabulary.size()));
        alphabet.forEach(token -> vocabulary.put(token, vocabulary.size()));
        merges.forEach(pair -> vocabulary.put(pair.left() + pair.right(), vocabulary.size()));
        ObjectNode json = JSON.createObjectNode().put("version", "1.0");
        json.putNull("truncation").putNull("padding");
        ArrayNode added = json.putArray("added_tokens");
        for (String token : specialTokens) {
            added.addObject()
                    .put("id", vocabulary.get(token))
                    .put("content", token)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        json.putNull("normalizer");
        byteLevel(json.putObject("pre_tokenizer"));
        json.putNull("post_processor");
        byteLevel(json.putObject("decoder"));
        ObjectNode model = json.putObject("model").put("type", "BPE");
        model.putNull("dropout").putNull("unk_token").putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix").put("fuse_unk", false).put("byte_fallback", false);
        ObjectNode entries = model.putObject("vocab");
        vocabulary.forEach(entries::put);
        ArrayNode lines = model.putArray("merges");
        merges.forEach(pair -> lines.add(pair.left() + " " + pair.right()));
        return json;
    }

    private static void byteLevel(ObjectNode node) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", true);
    }
}
