package dev.bellwether.simulation.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.bellwether.simulation.customer.Ledger;
import dev.bellwether.simulation.measurement.TopicAudit;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportTest {
    private static Report of(Optional<TopicAudit> audit) {
        return new Reporter(1, new Ledger()).report(new Reporter.Traffic(10, Duration.ofSeconds(1)), audit);
    }

    @Test
    void findsNoFaultWhereEverythingCountsOnceOrNobodyLooked() {
        assertThat(of(Optional.of(new TopicAudit(0, 0, 0, List.of()))).faults()).isEmpty();
        assertThat(of(Optional.empty()).faults()).isEmpty();
    }

    @Test
    void saysWhatIsLostTwiceOrNotJoined() {
        assertThat(of(Optional.of(new TopicAudit(0, 0, 7, List.of()))).faults())
                .singleElement()
                .asString()
                .contains("7 judgements", "does the feedback stream work?");
        assertThat(of(Optional.of(new TopicAudit(1, 2, 0, List.of()))).faults()).hasSize(2);
    }
}
