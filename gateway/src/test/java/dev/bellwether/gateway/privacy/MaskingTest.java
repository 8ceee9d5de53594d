package dev.bellwether.gateway.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MaskingTest {
    private static final Masking GERMAN = new Masking(Set.of(PersonalData.values()), "DE");

    /** The numbers are those that schemes, banks and regulators publish for tests and examples. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "My card is 4111 1111 1111 1111, expires 12/27. | My card is [card], expires 12/27.",
                "4111111111111111 | [card]",
                "card:5555-5555-5555-4444! | card:[card]!",
                "Amex 3782 822463 10005 please | Amex [card] please",
                "6011000990139424 and 4012888888881881 | [card] and [card]",
                "Pay to DE89 3704 0044 0532 0130 00 today | Pay to [iban] today",
                "GB82WEST12345698765432. | [iban].",
                "IBAN: FR14 2004 1010 0505 0001 3M02 606 THANKS | IBAN: [iban] THANKS",
                "My card: 4111 1111 1111 1111 12/27 | My card: [card] 12/27",
                "4111 1111 1111 1111 123 is it, and 2 4111 1111 1111 1111 | [card] 123 is it, and 2 [card]",
                "4111.1111.1111.1111 or 4111  1111  1111  1111 | [card] or [card]",
                "4111\u00a01111\u00a01111\u00a01111, Nr.4111111111111111 | [card], Nr.[card]",
                "Visa-4111-1111-1111-1111 | Visa-[card]",
                "JCB 3530111333300000, Maestro 6759649826438453 | JCB [card], Maestro [card]",
                "UnionPay 6212345678901232 | UnionPay [card]",
                "de89 3704 0044 0532 0130 00 or DE89-3704-0044-0532-0130-00 | [iban] or [iban]",
                "AB12 DE89 3704 0044 0532 0130 00, De89370400440532013000 | AB12 [iban], [iban]",
                "To john@example.com.Please answer bob@example.org. | To [email].Please answer [email].",
                "Write to mia.meier+shop@example.co.uk, please | Write to [email], please",
                "<bob@example.com> | <[email]>",
                "mail:ÄÖ bob_1@mail.example.org? | mail:ÄÖ [email]?",
                "Call +49 30 901820 now | Call [phone] now",
                "Ring 030 / 901820 or +1 (212) 456-7890. | Ring [phone] or [phone].",
                "I am at +44 20 7946 0958 😀 | I am at [phone] 😀",
                "bob@example.com, 4111111111111111 and DE89370400440532013000 | [email], [card] and [iban]"
            })
    void masksWhatAChecksumOrAPlanSaysItIs(String text, String masked) {
        assertThat(GERMAN.text(text)).isEqualTo(masked);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Order 4111111111111112 has not come.",
                "Order 1234567890123456 of 2026-11-26 12:30:45",
                "Parcel 00340434161094042557 is in Hamburg",
                "ISBN 978-3-16-148410-0",
                "The total is 1.234.567,89 EUR for 1000000 pieces",
                "Version 10.15.7.2023.0815 at 192.168.100.200",
                "uuid 123e4567-e89b-12d3-a456-426614174000",
                "DE00 3704 0044 0532 0130 00 has wrong check digits",
                "ticket #20261126-0001-7788",
                "user @mia asked; me@localhost is no address, nor is a@b",
                "2 + 2 = 4, and 3*4111=12333",
                "Between 4111 1111 1111 1112 and 4111  111  111  1111  11",
                "Build 4.12.2023.081.5674, 4111/11/11.11111111",
                "abc4111111111111111 and 4111111111111111xyz",
                "Timestamps 1700000000000 and 1764150000",
                "Room 2.04, floor 3, 28195 Bremen"
            })
    void leavesAloneWhatOnlyLooksLikeIt(String text) {
        assertThat(GERMAN.text(text)).isEqualTo(text);
    }

    @Test
    void masksWhatTheBotAsksForAlone() {
        Masking cards = new Masking(Set.of(PersonalData.CARD), null);
        assertThat(cards.text("bob@example.com 4111111111111111")).isEqualTo("bob@example.com [card]");
        assertThat(new Masking(Set.of(), null).text("4111111111111111")).isEqualTo("4111111111111111");
        assertThat(Masking.DEFAULT.text("030 901820")).as("no country is known").isEqualTo("030 901820");
    }

    @Test
    void masksTextsWithinJson() throws IOException {
        ObjectMapper json = new ObjectMapper();
        assertThat(GERMAN.json(json.readTree("[{\"a\":{\"b\":\"to bob@example.com\"},\"n\":4111111111111111}]")))
                .isEqualTo(json.readTree("[{\"a\":{\"b\":\"to [email]\"},\"n\":4111111111111111}]"));
    }

    @Test
    void refusesARegionThatThereIsNot() {
        assertThatThrownBy(() -> Masking.of(null, "Germany")).hasMessageContaining("two letters, as DE");
    }

    @Test
    void seesThroughWhatNobodySees() {
        Masking masking = Masking.DEFAULT;
        assertThat(masking.text("my card 4111\u200b1111\u200d1111\u00001111, <script>alert(1)</script>"))
                .isEqualTo("my card [card], <script>alert(1)</script>");
        String family = "order 123456789 \ud83d\udc68\u200d\ud83d\udc69 thanks";
        assertThat(masking.text(family)).as("nothing to mask, nothing changed").isEqualTo(family);
    }
}
