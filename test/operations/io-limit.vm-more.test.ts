import { expect, it } from "vitest";
import { ioLimit } from "../../src/operations/constructors.ts";
import {
  apply,
  benchOn,
  expectInEffect,
  expectRestoredStates,
  killedAt,
  look,
  prepare,
  refusal,
  restoring,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("cp1", { provider: "vm", nodes: "1" });

const limit = ioLimit({ program: "etcd", path: "/var/lib/etcd", writes: 20 });
const evidence = `cd /sys/fs/cgroup
cat cgroup.subtree_control system.slice/cgroup.subtree_control; cat system.slice/etcd.service/io.max 2>&1 || :`;

it("is there with the controller that it takes, and both go", async () => {
  await roundTrip(bench, {
    operations: [limit],
    evidence,
    whole: true,
    meanwhile: async () => expect(await bench.run(evidence)).toMatch(/ wiops=20$/m),
  });
});

it("that a person has taken away leaves the controller to undo", async () => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, limit);
  expectInEffect(prepared, await apply(bench, prepared));
  await bench.run(
    `file=/sys/fs/cgroup/system.slice/etcd.service/io.max; echo "$(cut -d' ' -f1 $file) wiops=max" >$file`,
  );
  await bench.frames(restoring(prepared));
  expectRestoredStates(prepared, await look(bench, prepared));
  expect(await bench.run(evidence)).toBe(before);
});

it("whose restoration was killed is restored by the next", async () => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, limit);
  expectInEffect(prepared, await apply(bench, prepared));
  expect(await killedAt(bench, restoring(prepared), 1)).toBe(true);
  // The limit is gone by then, which is all that a verdict is about; the controller remains, and undo sees that.
  await bench.frames(restoring(prepared));
  expectRestoredStates(prepared, await look(bench, prepared));
  expect(await bench.run(evidence)).toBe(before);
});

it("is refused for who does not run, and for what is on no disk", async () => {
  expect(await refusal(bench, ioLimit({ program: "no-such", path: "/", writes: 1 }))).toMatch(/no process/);
  expect(await refusal(bench, ioLimit({ program: "etcd", path: "/proc", writes: 1 }))).toMatch(/on no disk/);
});
