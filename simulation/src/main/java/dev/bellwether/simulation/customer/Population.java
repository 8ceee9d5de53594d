package dev.bellwether.simulation.customer;

import dev.bellwether.simulation.customer.Person.Manner;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * Who a crowd's customers are. The same seed gives the same people, each with the same manner in every conversation.
 *
 * @param people how many come again and again; 0 where everybody comes once
 * @param hostile share of people who say the opposite of what they think
 * @param careless share of people who say anything
 * @param generous share of people who like everything
 * @param zealot whether one person, in one of twenty conversations, judges everything
 */
public record Population(int people, double hostile, double careless, double generous, boolean zealot) {
    /** Everybody comes once and is honest. */
    public static final Population STRANGERS = new Population(0, 0, 0, 0, false);

    private static final double ZEALOTS_CONVERSATIONS = .05;

    public Population {
        if (people < 0) {
            throw new IllegalArgumentException("people must be at least 0, are " + people);
        }
        if (Math.min(hostile, Math.min(careless, generous)) < 0 || !(hostile + careless + generous <= 1)) {
            throw new IllegalArgumentException(
                    "hostile, careless and generous people are shares, 1 together at most; they are %s, %s and %s"
                            .formatted(hostile, careless, generous));
        }
    }

    /** Who has the conversation with this number. */
    Person person(long seed, long conversation) {
        SplittableRandom chance = random(seed, ~conversation);
        if (zealot && chance.nextDouble() < ZEALOTS_CONVERSATIONS) {
            return new Person(id(random(seed, -1)), Manner.ZEALOUS);
        }
        SplittableRandom own = random(seed + 1, people == 0 ? conversation : chance.nextInt(people));
        return new Person(id(own), manner(own.nextDouble()));
    }

    private Manner manner(double chance) {
        if (chance < hostile) {
            return Manner.HOSTILE;
        }
        if (chance < hostile + careless) {
            return Manner.CARELESS;
        }
        return chance < hostile + careless + generous ? Manner.GENEROUS : Manner.HONEST;
    }

    private static String id(SplittableRandom random) {
        return new UUID(random.nextLong(), random.nextLong()).toString();
    }

    /** Numbers of their own for the n-th of something; two such rows never are one row begun at two places. */
    static SplittableRandom random(long seed, long n) {
        return new SplittableRandom(new SplittableRandom(new SplittableRandom(seed).nextLong() + n).nextLong());
    }
}
