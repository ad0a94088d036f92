import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { inventoryOf } from "../../src/inventory/load.ts";
import { select } from "../../src/inventory/select.ts";
import { parseYaml } from "../../src/yaml.ts";

const inventory = await inventoryOf(
  await parseYaml(
    "lab.yaml",
    `name: lab
nodes:
  w2: { roles: [worker] }
  w1: { roles: [worker] }
  cp1: { roles: [control-plane] }
  cp2: { roles: [control-plane, worker] }
  db.1: {}
clusters: { blue: { nodes: [w1, cp1] } }
groups: { front: [w*, cp2] }
`,
  ),
);

describe("select", () => {
  it.each([
    ["all", "w2 w1 cp1 cp2 db.1"],
    ["*", "w2 w1 cp1 cp2 db.1"],
    ["cp1", "cp1"],
    ["cp1,w1", "w1 cp1"],
    [" cp1 , w1,cp1 ", "w1 cp1"],
    ["front", "w2 w1 cp2"],
    ["blue", "w1 cp1"],
    ["control-plane", "cp1 cp2"],
    ["worker", "w2 w1 cp2"],
    ["w*", "w2 w1"],
    ["?p1", "cp1"],
    ["db?1", "db.1"],
    ["front,!w1", "w2 cp2"],
    ["!w1,front", "w2 cp2"],
    ["!cp1", "w2 w1 cp2 db.1"],
    ["front,&worker,!cp2", "w2 w1"],
    ["&control-plane,&front", "cp2"],
    ["blue,cp2,!w*", "cp1 cp2"],
  ])("%s", (pattern, names) => {
    expect(select(inventory, pattern).map(({ name }) => name)).toEqual(names.split(" "));
  });

  it.each([
    ["cp9", /no node, group or cluster `cp9`, did you mean `cp1`\?/],
    ["fornt", /did you mean `front`\?/],
    ["workers", /did you mean `worker`\?/],
    ["cp1,!w9", /no node, group or cluster `w9`/],
    ["constructor", /no node, group or cluster `constructor`/],
    ["cp1,!cp1", /"cp1,!cp1" selects no node/],
    ["x*", /"x\*" selects no node/],
    ["db.?1", /selects no node/],
  ])("refuses %s", (pattern, message) => {
    expect(() => select(inventory, pattern)).toThrow(UsageError);
    expect(() => select(inventory, pattern)).toThrow(message);
  });
});
