package dev.bellwether.simulation.customer;

/**
 * Somebody who comes with questions.
 *
 * @param id as the bot's owner names them
 */
record Person(String id, Manner manner) {
    /** How somebody judges. */
    enum Manner {
        /** Says what they think, as far as people do. */
        HONEST,
        /** Says anything. */
        CARELESS,
        /** Says the opposite. */
        HOSTILE,
        /** Likes everything. */
        GENEROUS,
        /** Says what they think of everything that they are told. */
        ZEALOUS
    }
}
