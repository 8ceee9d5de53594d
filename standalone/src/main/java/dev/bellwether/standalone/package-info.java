/**
 * One machine: a real Kafka and a real Redis as child processes ({@link dev.bellwether.standalone.LocalKafka},
 * {@link dev.bellwether.standalone.LocalRedis}), the services as further ones under a
 * {@link dev.bellwether.standalone.Supervisor}, and the folder that keeps their data
 * ({@link dev.bellwether.standalone.DataFolder}). {@link dev.bellwether.standalone.Installation} wires these together,
 * {@link dev.bellwether.standalone.Standalone} is its command line, and
 * {@link dev.bellwether.standalone.BreakableProxy} breaks connections for tests. Nothing here knows a service's
 * classes.
 */
@NullMarked
package dev.bellwether.standalone;

import org.jspecify.annotations.NullMarked;
