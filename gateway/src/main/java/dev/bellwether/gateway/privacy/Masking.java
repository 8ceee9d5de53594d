package dev.bellwether.gateway.privacy;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.i18n.phonenumbers.PhoneNumberMatch;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.PhoneNumberUtil.Leniency;
import dev.bellwether.event.FeedbackSignal;
import dev.bellwether.event.FeedbackSignal.Edit;
import dev.bellwether.event.FeedbackSignal.Flag;
import dev.bellwether.event.FeedbackSignal.Preference;
import dev.bellwether.event.FeedbackSignal.Ranking;
import dev.bellwether.event.FeedbackSignal.Rating;
import dev.bellwether.event.FeedbackSignal.Signal;
import dev.bellwether.event.FeedbackSignal.Thumb;
import dev.bellwether.event.Message;
import dev.bellwether.event.Reply;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.validator.routines.CreditCardValidator;
import org.apache.commons.validator.routines.EmailValidator;
import org.apache.commons.validator.routines.IBANValidator;
import org.jspecify.annotations.Nullable;

/**
 * Which personal data are masked in what is recorded of a bot: the section {@code privacy} of {@code bots.yaml}.
 *
 * <p>A pattern finds what may be one, and a validator says whether it is: an order's number with sixteen digits stays.
 *
 * @param region whose phone numbers are written without a country's code, as {@code DE}; none for those with one alone
 */
public record Masking(Set<PersonalData> mask, @Nullable String region) {
    /** Everything, and of phone numbers those with a country's code. */
    public static final Masking DEFAULT = of(null, null);

    private static final int DIGITS_MIN = 7;

    /** Four groups, or none; whatever the card. */
    private static final Pattern CARD = Pattern.compile("(?<![\\p{Alnum}.-])\\d(?:[ -]?\\d){12,18}(?![\\p{Alnum}])");

    private static final Pattern IBAN =
            Pattern.compile("(?<!\\p{Alnum})[A-Z]{2}\\d{2}(?: ?[A-Z\\d]){11,30}(?!\\p{Alnum})");

    private static final Pattern EMAIL = Pattern.compile(
            "(?<![\\p{Alnum}._%+-])[\\p{Alnum}._%+-]{1,64}@[\\p{Alnum}-]{1,63}(?:\\.[\\p{Alnum}-]{1,63}){1,8}");

    private static final CreditCardValidator CARDS = new CreditCardValidator(CreditCardValidator.AMEX
            | CreditCardValidator.DINERS
            | CreditCardValidator.DISCOVER
            | CreditCardValidator.MASTERCARD
            | CreditCardValidator.VISA);

    /** Zero-width and control characters, line ends apart. */
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}&&[^\\n\\r\\t]]");

    private static final PhoneNumberUtil PHONES = PhoneNumberUtil.getInstance();
    private static final String NO_REGION = "ZZ";

    public Masking {
        mask = Set.copyOf(mask);
        if (region != null && !PHONES.getSupportedRegions().contains(region)) {
            throw new IllegalArgumentException(
                    "privacy: region is a country's two letters, as DE, not '%s'".formatted(region));
        }
    }

    @JsonCreator
    static Masking of(
            @JsonProperty("mask") @Nullable Set<PersonalData> mask, @JsonProperty("region") @Nullable String region) {
        return new Masking(mask == null ? EnumSet.allOf(PersonalData.class) : mask, region);
    }

    private record Found(int from, int to, PersonalData what) {}

    /** The text with each of them masked; the same text where there is none. */
    public String text(String text) {
        if (!suspicious(text)) {
            return text;
        }
        // What nobody sees must not hide what everybody can read; where nothing is found it stays.
        String plain = INVISIBLE.matcher(text).replaceAll("");
        List<Found> found = find(plain);
        if (found.isEmpty()) {
            return text;
        }
        StringBuilder masked = new StringBuilder(plain.length());
        int at = 0;
        for (Found each : found) {
            if (each.from() >= at) {
                masked.append(plain, at, each.from()).append(each.what().mask());
                at = each.to();
            }
        }
        return masked.append(plain, at, plain.length()).toString();
    }

    /** Cheap, and false for almost all text. */
    private boolean suspicious(String text) {
        int digits = 0;
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            digits += Character.isDigit(letter) ? 1 : 0;
            if (letter == '@' || digits >= DIGITS_MIN) {
                return !mask.isEmpty();
            }
        }
        return false;
    }

    /** In the text's order; of two at one place the longer first. */
    private List<Found> find(String text) {
        List<Found> found = new ArrayList<>();
        for (PersonalData kind : mask) {
            switch (kind) {
                case CARD -> match(found, kind, CARD, text, each -> CARDS.isValid(each.replaceAll("[ -]", "")));
                case IBAN -> iban(found, text);
                case EMAIL ->
                    match(
                            found,
                            kind,
                            EMAIL,
                            text,
                            each -> EmailValidator.getInstance().isValid(each));
                case PHONE -> phones(found, text);
            }
        }
        found.sort(Comparator.comparingInt(Found::from)
                .thenComparing(Comparator.comparingInt(Found::to).reversed()));
        return found;
    }

    private interface Check {
        boolean holds(String text);
    }

    private static void match(List<Found> found, PersonalData kind, Pattern pattern, String text, Check check) {
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            if (check.holds(matcher.group())) {
                found.add(new Found(matcher.start(), matcher.end(), kind));
            }
        }
    }

    /** Words behind it may look like more of it: the longest beginning that is one counts. */
    private static void iban(List<Found> found, String text) {
        Matcher matcher = IBAN.matcher(text);
        int from = 0;
        while (matcher.find(from)) {
            from = matcher.end();
            for (int to = matcher.end(); to > matcher.start(); to--) {
                String candidate = text.substring(matcher.start(), to).replace(" ", "");
                boolean whole = to == text.length() || !Character.isLetterOrDigit(text.charAt(to));
                if (whole && IBANValidator.getInstance().isValid(candidate)) {
                    found.add(new Found(matcher.start(), to, PersonalData.IBAN));
                    from = to;
                    break;
                }
            }
        }
    }

    private void phones(List<Found> found, String text) {
        String where = Optional.ofNullable(region).orElse(NO_REGION);
        for (PhoneNumberMatch match : PHONES.findNumbers(text, where, Leniency.VALID, Long.MAX_VALUE)) {
            found.add(new Found(match.start(), match.end(), PersonalData.PHONE));
        }
    }

    /** Every text in {@code json}, names of fields apart. */
    public JsonNode json(JsonNode json) {
        if (json instanceof TextNode text) {
            return TextNode.valueOf(text(text.textValue()));
        }
        if (json instanceof ObjectNode object) {
            ObjectNode masked = object.objectNode();
            object.properties().forEach(field -> masked.set(field.getKey(), json(field.getValue())));
            return masked;
        }
        if (json instanceof ArrayNode array) {
            ArrayNode masked = array.arrayNode();
            array.forEach(each -> masked.add(json(each)));
            return masked;
        }
        return json;
    }

    public Message message(Message message) {
        JsonNode calls = message.toolCalls();
        return new Message(message.role(), text(message.content()), calls == null ? null : json(calls));
    }

    /** Without its tokens where they would say what is masked. */
    public Reply reply(Reply reply) {
        String text = text(reply.text());
        JsonNode calls = reply.toolCalls();
        return new Reply(
                text,
                reply.version(),
                reply.side(),
                reply.finishReason(),
                reply.promptTokens(),
                reply.completionTokens(),
                reply.temperature(),
                reply.topP(),
                calls == null ? null : json(calls),
                text.equals(reply.text()) ? reply.sampled() : null);
    }

    /** What a person wrote in a judgement. */
    public FeedbackSignal signal(FeedbackSignal signal) {
        return switch (signal) {
            case Thumb thumb -> new Thumb(thumb.up(), thumb.reasons(), comment(thumb.comment()));
            case Rating rating -> new Rating(rating.value(), comment(rating.comment()));
            case Edit edit -> new Edit(text(edit.text()));
            case Flag flag -> new Flag(flag.category(), comment(flag.comment()));
            case Preference preference -> preference;
            case Ranking ranking -> ranking;
            case Signal other -> other;
        };
    }

    private @Nullable String comment(@Nullable String comment) {
        return comment == null ? null : text(comment);
    }

    public Map<String, String> values(Map<String, String> map) {
        Map<String, String> masked = new TreeMap<>();
        map.forEach((key, value) -> masked.put(key, text(value)));
        return masked;
    }
}
