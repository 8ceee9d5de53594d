package dev.bellwether.policy.prompt;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A checkpoint's {@code chat_template} (Jinja), which lays the turns of a conversation out as one text. */
public final class PromptTemplate {
    private static final Jinjava JINJA = new Jinjava(JinjavaConfig.newBuilder()
            // What people write is text, never a template.
            .withNestedInterpretationEnabled(false)
            .withTrimBlocks(true)
            .withLstripBlocks(true)
            .withMaxOutputSize(4_000_000)
            .build());

    private final String template;
    private final Map<String, String> specialTokens;
    private final Map<Character, List<String>> reservedByEnd;

    /**
     * @param specialTokens named tokens that templates refer to, such as {@code bos_token}
     * @param reserved texts that the tokenizer reads as control tokens: they are taken out of what people write, so
     *     that nobody can end a turn or open another by typing it
     */
    public PromptTemplate(String template, Map<String, String> specialTokens, Collection<String> reserved) {
        this.template = template;
        this.specialTokens = Map.copyOf(specialTokens);
        this.reservedByEnd = reserved.stream()
                .filter(token -> !token.isEmpty())
                .collect(Collectors.groupingBy(token -> token.charAt(token.length() - 1)));
    }

    /** The prompt whose continuation is the assistant's reply to the last turn. */
    public String prompt(List<Turn> turns) {
        return render(turns, true);
    }

    /** The conversation as far as it has come. */
    String conversation(List<Turn> turns) {
        return render(turns, false);
    }

    private String render(List<Turn> turns, boolean replyFollows) {
        List<Map<String, String>> messages = turns.stream()
                .map(turn -> Map.of("role", turn.role(), "content", withoutReserved(turn.content())))
                .toList();
        Map<String, Object> variables = new HashMap<>(specialTokens);
        variables.put("messages", messages);
        variables.put("add_generation_prompt", replyFollows);
        RenderResult result = JINJA.renderForResult(template, variables);
        List<TemplateError> errors = result.getErrors().stream()
                .filter(error -> error.getSeverity() == TemplateError.ErrorType.FATAL)
                .toList();
        if (!errors.isEmpty()) {
            throw new UnsupportedCheckpointException(
                    "chat_template cannot be rendered: " + errors.getFirst().getMessage());
        }
        return result.getOutput();
    }

    /** One pass over the text: what was kept so far never holds a control token, nested ones included. */
    private String withoutReserved(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char next = text.charAt(i);
            clean.append(next);
            for (String token : reservedByEnd.getOrDefault(next, List.of())) {
                int start = clean.length() - token.length();
                if (start >= 0 && clean.indexOf(token, start) == start) {
                    clean.setLength(start);
                    break;
                }
            }
        }
        return clean.toString();
    }
}
