import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Which tier: `slow`, the tests that take longer than a person waits, `vm`, those that need a kernel of their own,
 * `vm-more`, what of them has no room in ten minutes,
 * `cluster`, those that need a real Kubernetes, `api`, those of its
 * objects, which need one too, `crash` and `soak`, those that go on for as long as they are let; each is
 * in files of its own.
 */
const tiers = ["slow", "vm", "vm-more", "cluster", "api", "crash", "soak"];
const tier = tiers.find((name) => name === process.env.KBREAK_TESTS);
const onMachines = tier === "vm" || tier === "vm-more";
const onCluster = tier === "cluster" || tier === "api";
const results = process.env.VITEST_RESULTS;

/** The proofs of breaks and drills take longest: begun last, one would go on alone when everything else has ended. */
class ProofsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isProof = ({ moduleId }: TestSpecification) => /\/(proof|drills)[^/]*\.test\.ts$/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isProof), ...sorted.filter((file) => !isProof(file))];
  }
}

export default defineConfig({
  resolve: { alias: { kbreak: fileURLToPath(new URL("src/sdk.ts", import.meta.url)) } },
  test: {
    include: [`test/**/*${tier === undefined ? "" : `.${tier}`}.test.ts`],
    exclude:
      tier === undefined
        ? [...configDefaults.exclude, ...tiers.map((name) => `test/**/*.${name}.test.ts`)]
        : configDefaults.exclude,
    globalSetup: ["test/support/lab-setup.ts"],
    sequence: { sequencer: ProofsFirst },
    // An emulated machine takes ten times as long for everything; a cluster's parts take minutes to start anew.
    testTimeout: onCluster ? 600_000 : onMachines ? 300_000 : 120_000,
    hookTimeout: 300_000,
    // CI adds up the tiers' counts from these files.
    reporters: results === undefined ? ["default"] : ["default", ["json", { outputFile: results }]],
    // Much of a test is waiting for a node; more than three on two cores would fail those that measure time. An
    // emulated machine and a cluster are never idle enough for that.
    maxWorkers: onMachines || onCluster ? 2 : 3,
  },
});
