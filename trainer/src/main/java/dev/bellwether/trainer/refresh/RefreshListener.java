package dev.bellwether.trainer.refresh;

import java.util.Map;

/** Hears how a refresh goes on. */
public interface RefreshListener {
    void progress(String stage, double fraction, Map<String, Double> metrics);
}
