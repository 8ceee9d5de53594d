package dev.bellwether.trainer.refresh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RecentRecordsTest {
    private static final long KEPT = 100;

    @Test
    void aBusyBotDoesNotDriveOutWhatAQuietOneHas() {
        RecentRecords<Integer> records = new RecentRecords<>(5, KEPT);
        records.put("quiet", "q", 0, -1);
        for (int i = 0; i < 10; i++) {
            records.put("busy", "b" + i, i, i);
        }
        assertThat(records.of("quiet")).containsExactly(-1);
        assertThat(records.of("busy")).containsExactly(6, 7, 8, 9);
    }

    @Test
    void whatIsSaidAgainCountsOnceAndStandsAtTheEnd() {
        RecentRecords<Integer> records = new RecentRecords<>(5, KEPT);
        records.put("support", "a", 0, 1);
        records.put("support", "b", 0, 2);
        records.put("support", "a", 1, 3);
        assertThat(records.of("support")).containsExactly(2, 3);
        records.remove("b");
        records.remove("unknown");
        assertThat(records.of("support")).containsExactly(3);
        assertThat(records.of("sales")).isEmpty();
    }

    @Test
    void whatTheTopicKeepsNoLongerIsForgottenWhereverItStands() {
        RecentRecords<Integer> records = new RecentRecords<>(3, KEPT);
        records.put("support", "young", 50, 1);
        records.put("support", "old", 0, 2);
        records.put("sales", "oldest", -5, 3);
        records.expire(101);
        assertThat(records.of("support")).containsExactly(1);
        assertThat(records.of("sales")).isEmpty();
        records.put("sales", "new", 101, 4);
        records.put("sales", "newer", 101, 5);
        assertThat(records.of("support")).as("nothing expired counts any more").containsExactly(1);
        assertThat(records.of("sales")).containsExactly(4, 5);
    }
}
