package dev.bellwether.trainer.reward;

import dev.bellwether.trainer.model.Parameters;
import java.io.IOException;
import java.util.Optional;

/** Where a training stands, kept so that it goes on there after it was cut off. */
public interface Savepoint {
    /** Keeps nothing. */
    Savepoint NONE = new Savepoint() {
        @Override
        public Optional<double[]> restore(Parameters parameters) {
            return Optional.empty();
        }

        @Override
        public boolean due() {
            return false;
        }

        @Override
        public void save(Parameters parameters, double... numbers) {
            throw new UnsupportedOperationException("nothing is kept");
        }
    };

    /** Takes {@code parameters} to where they were; gives the numbers that were kept beside them, or nothing. */
    Optional<double[]> restore(Parameters parameters) throws IOException;

    /** Whether it is time to save again. */
    boolean due();

    void save(Parameters parameters, double... numbers) throws IOException;
}
