package dev.bellwether.simulation.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;

/** The experiments that there are: what is varied, while all else is as in the others. */
enum Experiment {
    GAIN("share of the possible gain, taste by taste") {
        @Override
        void vary(Variants variants) {
            variants.add("as it is", Map.of());
        }
    },
    NOISE("share of judgements that say the opposite of what is meant") {
        @Override
        void vary(Variants variants) {
            for (double flips : new double[] {0, .1, .2, .3}) {
                variants.add("%.0f %% flips".formatted(100 * flips), flips, REACTION_RATE, Map.of());
            }
        }
    },
    REACTION("share of replies that anybody judges") {
        @Override
        void vary(Variants variants) {
            for (double rate : new double[] {.1, .3, .6}) {
                variants.add("%.0f %% react".formatted(100 * rate), FLIP_RATE, rate, Map.of());
            }
        }
    },
    EVIDENCE("thumbs, duels, and both") {
        @Override
        void vary(Variants variants) {
            variants.add("thumbs alone", Map.of("chat.duel_share", 0.0));
            variants.add("duels alone", Map.of("chat.duel_share", 1.0));
            variants.add("both", Map.of());
        }
    },
    OBJECTIVE("what the policy is trained by") {
        @Override
        void vary(Variants variants) {
            for (String objective : List.of("ppo", "rloo", "dpo", "kto")) {
                variants.add(
                        objective,
                        Map.of(
                                "refresh.training.objective",
                                objective,
                                "refresh.steps",
                                objective.equals("ppo") ? 12 : 24));
            }
        }
    },
    CADENCE("the same judgements in fewer or more refreshes") {
        @Override
        void vary(Variants variants) {
            for (int refreshes : new int[] {1, 3, 6}) {
                int judgements = JUDGEMENTS * REFRESHES / refreshes;
                variants.add("every %d".formatted(judgements), refreshes, Map.of("refresh.judgements", judgements));
            }
        }
    },
    QUESTIONS("duels of any two replies, or of the two that the reward model doubts most") {
        @Override
        void vary(Variants variants) {
            for (int replies : new int[] {2, 4, 8}) {
                variants.add("of %d".formatted(replies), Map.of("serving.duel_of", replies));
            }
        }
    },
    ADVERSE("returning customers, some of whom say the opposite of what they think") {
        @Override
        void vary(Variants variants) {
            variants.add("none", List.of("--people", "300"));
            variants.add("30 %", List.of("--people", "300", "--hostile", "0.3"));
        }
    };

    /** As many as the demo shows. */
    static final int REFRESHES = 3;

    private static final int JUDGEMENTS = 1_000;
    private static final double FLIP_RATE = .2;
    private static final double REACTION_RATE = .3;

    private final String about;

    Experiment(String about) {
        this.about = about;
    }

    /** What it varies. */
    String about() {
        return about;
    }

    /** Its name on the command line. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    abstract void vary(Variants variants);

    /** All its runs, so that the first seed of everything comes first. */
    List<Run> runs(List<String> tastes, int seeds) {
        Variants variants = new Variants();
        vary(variants);
        return LongStream.rangeClosed(1, seeds)
                .boxed()
                .flatMap(seed -> tastes.stream().flatMap(taste -> variants.of(taste, seed).stream()))
                .toList();
    }

    /** What is compared, in the order of the tables. */
    static final class Variants {
        private final Map<String, Variant> variants = new LinkedHashMap<>();

        private record Variant(
                double flipRate, double reactionRate, int refreshes, Map<String, Object> bot, List<String> options) {}

        private void add(String name, Map<String, Object> bot) {
            add(name, FLIP_RATE, REACTION_RATE, bot);
        }

        private void add(String name, double flipRate, double reactionRate, Map<String, Object> bot) {
            variants.put(name, new Variant(flipRate, reactionRate, REFRESHES, bot, List.of()));
        }

        private void add(String name, int refreshes, Map<String, Object> bot) {
            variants.put(name, new Variant(FLIP_RATE, REACTION_RATE, refreshes, bot, List.of()));
        }

        private void add(String name, List<String> options) {
            variants.put(name, new Variant(FLIP_RATE, REACTION_RATE, REFRESHES, Map.of(), options));
        }

        private List<Run> of(String taste, long seed) {
            List<Run> runs = new ArrayList<>();
            variants.forEach((name, each) -> runs.add(new Run(
                    name,
                    taste,
                    seed,
                    each.flipRate(),
                    each.reactionRate(),
                    each.refreshes(),
                    each.bot(),
                    each.options())));
            return runs;
        }
    }
}
