package dev.bellwether.policy.prompt;

import dev.bellwether.policy.checkpoint.UnsupportedCheckpointException;
import dev.bellwether.policy.prompt.jinja.Template;
import dev.bellwether.policy.prompt.jinja.TemplateException;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's chat template (Jinja), which lays the turns of a conversation out as one text, as {@code
 * apply_chat_template} of {@code transformers} does.
 */
public final class PromptTemplate {
    private final Template template;
    private final Map<String, Object> specialTokens;
    private final ControlTokens controlTokens;

    /**
     * @param specialTokens named tokens that templates refer to, such as {@code bos_token}
     * @param controlTokens texts that the tokenizer reads as control tokens
     */
    public PromptTemplate(String template, Map<String, String> specialTokens, Collection<String> controlTokens) {
        this(
                template,
                Map.copyOf(specialTokens),
                new ControlTokens(controlTokens),
                Clock.system(ZoneId.systemDefault()));
    }

    PromptTemplate(String template, Map<String, Object> specialTokens, ControlTokens controlTokens, Clock clock) {
        try {
            this.template = Template.parse(template, clock);
        } catch (TemplateException e) {
            throw new UnsupportedCheckpointException("the chat template cannot be read: " + e.getMessage(), e);
        }
        this.specialTokens = Map.copyOf(specialTokens);
        this.controlTokens = controlTokens;
    }

    /** The prompt whose continuation is the assistant's reply to the last turn. */
    public String prompt(List<Turn> turns) {
        return ControlTokens.unmarked(marked(turns, true));
    }

    /** The turns as text in which what people typed is marked where it would read as a control token. */
    String marked(List<Turn> turns, boolean replyFollows) {
        return markedMessages(
                turns.stream()
                        .map(turn -> Map.<String, Object>of("role", turn.role(), "content", turn.content()))
                        .toList(),
                replyFollows);
    }

    /**
     * The same for messages with whatever fields they have.
     *
     * @throws PromptRefusedException in the template's own words
     */
    String markedMessages(List<? extends Map<String, ?>> messages, boolean replyFollows) {
        Map<String, @Nullable Object> variables = new HashMap<>(specialTokens);
        variables.put("messages", messages.stream().map(this::guarded).toList());
        variables.put("add_generation_prompt", replyFollows);
        variables.put("tools", null);
        variables.put("documents", null);
        try {
            return template.render(variables);
        } catch (TemplateException e) {
            throw new PromptRefusedException(String.valueOf(e.getMessage()), e);
        }
    }

    private @Nullable Object guarded(@Nullable Object value) {
        return switch (value) {
            case String text -> controlTokens.guard(text);
            case List<?> list -> all(list);
            case Map<?, ?> map -> {
                Map<Object, @Nullable Object> guarded = new LinkedHashMap<>();
                map.forEach((key, item) -> guarded.put(key, key.equals("role") ? item : guarded(item)));
                yield guarded;
            }
            case null, default -> value;
        };
    }

    private List<@Nullable Object> all(List<?> list) {
        List<@Nullable Object> guarded = new ArrayList<>();
        list.forEach(item -> guarded.add(guarded(item)));
        return guarded;
    }
}
