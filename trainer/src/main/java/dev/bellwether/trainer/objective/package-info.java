/**
 * How a policy learns what people want: from a reward model by its own replies (PPO, RLOO), or from what people said
 * themselves (DPO, KTO).
 */
@NullMarked
package dev.bellwether.trainer.objective;

import org.jspecify.annotations.NullMarked;
