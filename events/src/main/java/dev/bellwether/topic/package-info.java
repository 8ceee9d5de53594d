/** The Kafka topics: their names, partitions, retention and how their records are written. */
@NullMarked
package dev.bellwether.topic;

import org.jspecify.annotations.NullMarked;
