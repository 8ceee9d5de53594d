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
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

    private static final Pattern IBAN = Pattern.compile("(?<!\\p{Alnum})\\p{Alpha}{2}\\d{2}");

    /** May stand between two letters of an account's number. */
    private static final String SEPARATORS = " \u00a0\u202f.-";

    private static final Pattern EMAIL = Pattern.compile(
            "(?<![\\p{Alnum}._%+-])[\\p{Alnum}._%+-]{1,64}@[\\p{Alnum}-]{1,63}(?:\\.[\\p{Alnum}-]{1,63}){1,8}");

    private static final IBANValidator IBANS = IBANValidator.getInstance();

    /** Zero-width and control characters, line ends apart. */
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}&&[^\\n\\r\\t]]");

    private static final PhoneNumberUtil PHONES = PhoneNumberUtil.getInstance();
    private static final String NO_REGION = "ZZ";
    private static final char WIDE_PLUS = '\uff0b';

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
                case CARD -> CardNumbers.find(text, (from, to) -> found.add(new Found(from, to, kind)));
                case IBAN -> ibans(found, text);
                case EMAIL -> emails(found, text);
                case PHONE -> phones(found, text);
            }
        }
        found.sort(Comparator.comparingInt(Found::from)
                .thenComparing(Comparator.comparingInt(Found::to).reversed()));
        return found;
    }

    /** A word right behind it may look like more of it: the longest beginning that is one counts. */
    private static void emails(List<Found> found, String text) {
        Matcher matcher = EMAIL.matcher(text);
        while (matcher.find()) {
            String address = matcher.group();
            while (!EmailValidator.getInstance().isValid(address) && address.lastIndexOf('.') > address.indexOf('@')) {
                address = address.substring(0, address.lastIndexOf('.'));
            }
            if (EmailValidator.getInstance().isValid(address)) {
                found.add(new Found(matcher.start(), matcher.start() + address.length(), PersonalData.EMAIL));
            }
        }
    }

    private static void ibans(List<Found> found, String text) {
        Matcher matcher = IBAN.matcher(text);
        while (matcher.find()) {
            int to = ibanEnd(text, matcher.start());
            if (to > 0) {
                found.add(new Found(matcher.start(), to, PersonalData.IBAN));
            }
        }
    }

    /** Where the account's number ends that begins at {@code from}; -1 where there is none. Its country says how long it is. */
    private static int ibanEnd(String text, int from) {
        String country = text.substring(from, from + 2).toUpperCase(Locale.ROOT);
        IBANValidator.Validator form = IBANS.getValidator(country);
        if (form == null) {
            return -1;
        }
        StringBuilder number = new StringBuilder();
        int at = from;
        while (at < text.length() && number.length() < form.getIbanLength()) {
            char letter = text.charAt(at);
            if (letter < 128 && Character.isLetterOrDigit(letter)) {
                number.append(Character.toUpperCase(letter));
            } else if (SEPARATORS.indexOf(letter) < 0 || SEPARATORS.indexOf(text.charAt(at - 1)) >= 0) {
                return -1;
            }
            at++;
        }
        boolean whole = at == text.length() || !Character.isLetterOrDigit(text.charAt(at));
        return whole && IBANS.isValid(number.toString()) ? at : -1;
    }

    private void phones(List<Found> found, String text) {
        if (region == null && text.indexOf('+') < 0 && text.indexOf(WIDE_PLUS) < 0) {
            // Of no country's own numbers any is valid, and the search is slow.
            return;
        }
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
