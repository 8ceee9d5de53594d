/** Proximal policy optimization of a policy against the reward model. */
@NullMarked
package dev.bellwether.trainer.ppo;

import org.jspecify.annotations.NullMarked;
