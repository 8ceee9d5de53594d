package dev.bellwether.simulation.customer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.bellwether.simulation.customer.Person.Manner;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PopulationTest {
    private static List<Person> people(Population population, long seed, int conversations) {
        return LongStream.range(0, conversations)
                .mapToObj(i -> population.person(seed, i))
                .toList();
    }

    @Test
    void isTheSameWithTheSameSeed() {
        Population population = new Population(50, .2, .2, .2, true);
        assertThat(people(population, 3, 500)).isEqualTo(people(population, 3, 500));
        assertThat(people(population, 3, 500)).doesNotContainAnyElementsOf(people(population, 4, 500));
    }

    @Test
    void comesAgainWithTheSameManner() {
        List<Person> people = people(new Population(50, .2, .2, .2, false), 3, 5_000);
        Map<String, Set<Manner>> manners = people.stream()
                .collect(Collectors.groupingBy(Person::id, Collectors.mapping(Person::manner, Collectors.toSet())));
        assertThat(manners).hasSize(50).allSatisfy((id, own) -> assertThat(own).hasSize(1));
    }

    @Test
    void comesOnceWhereNobodyComesAgain() {
        List<Person> people = people(new Population(0, .3, .2, .1, false), 1, 10_000);
        assertThat(people.stream().map(Person::id)).doesNotHaveDuplicates();
        Map<Manner, Long> counts =
                people.stream().collect(Collectors.groupingBy(Person::manner, Collectors.counting()));
        assertThat(counts.get(Manner.HOSTILE)).isBetween(2_850L, 3_150L);
        assertThat(counts.get(Manner.CARELESS)).isBetween(1_850L, 2_150L);
        assertThat(counts.get(Manner.GENEROUS)).isBetween(900L, 1_100L);
    }

    @Test
    void hasOnePersonWhoJudgesEverything() {
        Map<String, Long> counts = people(new Population(0, 0, 0, 0, true), 1, 10_000).stream()
                .filter(person -> person.manner() == Manner.ZEALOUS)
                .collect(Collectors.groupingBy(Person::id, Collectors.counting()));
        assertThat(counts)
                .hasSize(1)
                .allSatisfy((id, count) -> assertThat(count).isBetween(430L, 570L));
    }

    /** The step from one customer to the next was the generator's own: each had the numbers of the one before, one later. */
    @Test
    void givesEachCustomerNumbersOfTheirOwn() {
        Set<Long> seen = new HashSet<>();
        for (int customer = 0; customer < 1_000; customer++) {
            SplittableRandom random = Population.random(1, customer);
            for (int i = 0; i < 50; i++) {
                assertThat(seen.add(random.nextLong())).isTrue();
            }
        }
        assertThat(Population.random(1, 5).nextLong())
                .isEqualTo(Population.random(1, 5).nextLong());
        assertThat(Population.random(2, 4).nextLong())
                .isNotEqualTo(Population.random(1, 5).nextLong());
    }

    @Test
    void refusesWhatIsNoPopulation() {
        assertThatThrownBy(() -> new Population(-1, 0, 0, 0, false)).hasMessageContaining("people");
        assertThatThrownBy(() -> new Population(0, .6, .5, 0, false)).hasMessageContaining("1 together at most");
        assertThatThrownBy(() -> new Population(0, -.1, 0, 0, false)).hasMessageContaining("shares");
        assertThatThrownBy(() -> new Population(0, Double.NaN, 0, 0, false)).hasMessageContaining("shares");
    }
}
