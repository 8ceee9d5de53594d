package dev.bellwether.gateway;

import com.atlassian.oai.validator.OpenApiInteractionValidator;
import com.atlassian.oai.validator.model.Request;
import com.atlassian.oai.validator.model.SimpleRequest;
import com.atlassian.oai.validator.model.SimpleResponse;
import com.atlassian.oai.validator.report.JsonValidationReportFormat;
import com.atlassian.oai.validator.report.LevelResolver;
import com.atlassian.oai.validator.report.ValidationReport;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Set;

/** {@code openapi.yaml}, against which everything that tests ask and hear is held. */
final class Contract {
    private static final OpenApiInteractionValidator VALIDATOR = OpenApiInteractionValidator.createFor("openapi.yaml")
            // Who may call is what the routes decide; without a key the answer is a refusal, which is held, too.
            .withLevelResolver(LevelResolver.create()
                    .withLevel("validation.request.security", ValidationReport.Level.IGNORE)
                    // Says itself where an object is closed.
                    .withLevel("validation.schema.additionalProperties", ValidationReport.Level.IGNORE)
                    .build())
            .build();

    private Contract() {}

    private static final Set<Integer> NOTHING_HERE = Set.of(404, 405);
    private static final Set<String> NOT_PROMISED =
            Set.of("validation.request.path.missing", "validation.request.operation.notAllowed");
    private static final Set<String> EVERYWHERE = Set.of("HEAD", "OPTIONS");

    /** Fails when the reply is not as promised, or when a request was done that should not have been. */
    static void hold(HttpRequest request, String body, HttpResponse<String> response) {
        if (EVERYWHERE.contains(request.method())) {
            return;
        }
        URI uri = request.uri();
        Request.Method method = Request.Method.valueOf(request.method().toUpperCase(Locale.ROOT));
        SimpleResponse.Builder answered =
                SimpleResponse.Builder.status(response.statusCode()).withBody(response.body());
        response.headers().map().forEach((name, values) -> answered.withHeader(name, values));
        ValidationReport report = VALIDATOR.validateResponse(uri.getPath(), method, answered.build());
        if (NOTHING_HERE.contains(response.statusCode())
                && report.getMessages().stream().anyMatch(message -> NOT_PROMISED.contains(message.getKey()))) {
            return;
        }
        if (response.statusCode() < 400) {
            SimpleRequest.Builder asked = new SimpleRequest.Builder(method, uri.getPath()).withBody(body);
            request.headers().map().forEach((name, values) -> asked.withHeader(name, values));
            report = report.merge(VALIDATOR.validateRequest(asked.build()));
        }
        if (report.hasErrors()) {
            throw new AssertionError("%s %s, answered with %d, is not as openapi.yaml says: %s\n%s\n%s"
                    .formatted(
                            method,
                            uri,
                            response.statusCode(),
                            JsonValidationReportFormat.getInstance().apply(report),
                            body,
                            response.body()));
        }
    }
}
