package dev.bellwether.gateway.privacy;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;

/** What is masked: what a checksum or a numbering plan tells from a number that only looks like it. */
public enum PersonalData {
    /** A payment card's number: an issuer's range, its length, and the Luhn digit. */
    @JsonProperty("card")
    CARD,
    /** An account number: a country's format and the check digits. */
    @JsonProperty("iban")
    IBAN,
    @JsonProperty("email")
    EMAIL,
    /** A number that its country's plan has. */
    @JsonProperty("phone")
    PHONE;

    /** What stands in its place. */
    String mask() {
        return "[" + name().toLowerCase(Locale.ROOT) + "]";
    }
}
