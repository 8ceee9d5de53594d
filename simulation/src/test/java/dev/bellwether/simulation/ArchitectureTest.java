package dev.bellwether.simulation;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rules between modules, over the classes of all of them. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .importPaths(
                    List.of(
                                    "events",
                                    "policy",
                                    "gateway",
                                    "feedback-stream",
                                    "trainer",
                                    "sdk",
                                    "standalone",
                                    "simulation")
                            .stream()
                            .map(module -> Path.of("..", module, "target", "classes"))
                            .toList());

    private static void keepsAway(String module, String... others) {
        noClasses()
                .that()
                .resideInAPackage(module)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(others)
                .check(CLASSES);
    }

    @Test
    void modulesDependOneWay() {
        String gateway = "dev.bellwether.gateway..";
        String stream = "dev.bellwether.stream..";
        String trainer = "dev.bellwether.trainer..";
        String policy = "dev.bellwether.policy..";
        String sdk = "dev.bellwether.sdk..";
        String standalone = "dev.bellwether.standalone..";
        String simulation = "dev.bellwether.simulation..";
        String events = "dev.bellwether.event..";
        keepsAway(gateway, stream, trainer, sdk, standalone, simulation);
        keepsAway(trainer, stream, gateway, sdk, standalone, simulation);
        keepsAway(stream, policy, gateway, trainer, sdk, standalone, simulation);
        keepsAway(events, policy, gateway, stream, trainer, sdk, standalone, simulation);
        keepsAway(policy, events, gateway, stream, trainer, sdk, standalone, simulation);
        keepsAway(sdk, events, policy, gateway, stream, trainer, standalone, simulation);
        keepsAway(standalone, events, policy, gateway, stream, trainer, sdk, simulation);
        keepsAway(simulation, gateway, stream, trainer);
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.bellwether.gateway.(*)..")
                .should()
                .beFreeOfCycles()
                .check(CLASSES);
        slices().matching("dev.bellwether.policy.(*)..")
                .should()
                .beFreeOfCycles()
                .check(CLASSES);
        slices().matching("dev.bellwether.stream.(rollout|pairing|scorecard|attribution)..")
                .should()
                .beFreeOfCycles()
                .check(CLASSES);
    }

    @Test
    void theEnvironmentIsReadInMainClassesOnly() {
        noClasses()
                .that()
                .doNotHaveSimpleName("Gateway")
                .and()
                .doNotHaveSimpleName("FeedbackStream")
                .and()
                .doNotHaveSimpleName("Standalone")
                .and()
                .doNotHaveSimpleName("Simulation")
                .and()
                .doNotHaveSimpleName("Doctor")
                .and()
                .doNotHaveSimpleName("BellwetherClient")
                .should()
                .callMethod(System.class, "getenv")
                .orShould()
                .callMethod(System.class, "getenv", String.class)
                .check(CLASSES);
    }

    @Test
    void scopesOfTensorsAreMadeWhereJavaCppIsSet() {
        noClasses()
                .that()
                .doNotHaveSimpleName("Torch")
                .should()
                .callConstructor("org.bytedeco.javacpp.PointerScope")
                .check(CLASSES);
    }
}
