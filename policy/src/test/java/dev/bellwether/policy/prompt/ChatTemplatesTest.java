package dev.bellwether.policy.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Chat templates of models that people deploy, as Hugging Face renders them; needs the folder {@code shared}. */
class ChatTemplatesTest {
    private static final Path CASES = Path.of("../../shared/cases/22-chat-templates");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> laysOutConversationsAsHuggingFaceDoes() throws IOException {
        assumeTrue(Files.isDirectory(CASES), "skipped: the folder %s is not there".formatted(CASES));
        try (Stream<Path> files = Files.list(CASES)) {
            return files.filter(file -> file.toString().endsWith(".expected.json")).sorted().toList().stream()
                    .flatMap(ChatTemplatesTest::cases);
        }
    }

    private static Stream<DynamicTest> cases(Path file) {
        try {
            JsonNode model = JSON.readTree(file.toFile());
            String name = model.path("name").asText();
            Map<String, String> special = new HashMap<>();
            for (String token : List.of("bos_token", "eos_token")) {
                if (model.path(token).isTextual()) {
                    special.put(token, model.path(token).asText());
                }
            }
            PromptTemplate template =
                    new PromptTemplate(Files.readString(file.resolveSibling(name + ".jinja")), special, List.of());
            return StreamSupport.stream(model.path("cases").spliterator(), false)
                    .map(each -> DynamicTest.dynamicTest(
                            name + ": " + each.path("case").asText(), () -> check(template, each)));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void check(PromptTemplate template, JsonNode each) {
        List<Map<String, Object>> messages = JSON.convertValue(each.path("messages"), new TypeReference<>() {});
        boolean replyFollows = each.path("add_generation_prompt").asBoolean();
        if (each.has("raises")) {
            assertThatThrownBy(() -> template.markedMessages(messages, replyFollows))
                    .isInstanceOf(PromptRefusedException.class)
                    .hasMessageContaining(each.path("raises").asText());
        } else {
            String today = LocalDate.now(ZoneId.systemDefault())
                    .format(DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ENGLISH));
            assertThat(template.markedMessages(messages, replyFollows))
                    .isEqualTo(each.path("expected").asText().replace("<<%d %b %Y>>", today));
        }
    }
}
