/** A policy artefact on disk: the Hugging Face checkpoint directory with its manifest, and the store of versions. */
@NullMarked
package dev.bellwether.policy.checkpoint;

import org.jspecify.annotations.NullMarked;
