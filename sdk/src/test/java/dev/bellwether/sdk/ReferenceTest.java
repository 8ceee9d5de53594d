package dev.bellwether.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the reference shows must compile. */
class ReferenceTest {
    private static final Path REFERENCE = Path.of("../docs/reference/api.md");
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path classes;

    @Test
    void showsJavaThatCompiles() throws Exception {
        List<String> examples = JAVA.matcher(Files.readString(REFERENCE))
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toList());
        assertThat(examples).isNotEmpty();
        for (String example : examples) {
            StringWriter messages = new StringWriter();
            assertThat(compiles(example, messages))
                    .as("%s%n%s", example, messages)
                    .isTrue();
        }
    }

    private boolean compiles(String example, StringWriter messages) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<String> options =
                List.of("-cp", System.getProperty("java.class.path"), "-d", classes.toString(), "-proc:none");
        return compiler.getTask(messages, null, null, options, null, List.of(new Source(example)))
                .call();
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String example;

        private Source(String example) {
            super(URI.create("string:///Example.java"), JavaFileObject.Kind.SOURCE);
            this.example = example;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return "import dev.bellwether.sdk.*;\nclass Example { void run() throws Exception {\n" + example + "}}\n";
        }
    }
}
