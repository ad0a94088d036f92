import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { inventoryOf, loadInventory } from "../../src/inventory/load.ts";
import { parseYaml } from "../../src/yaml.ts";

const folder = mkdtempSync(join(tmpdir(), "inventory-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function problemsOf(lines: readonly string[]): Promise<readonly string[]> {
  const failure = await parseYaml("i.yaml", lines.join("\n"))
    .then(inventoryOf)
    .catch((error: unknown) => error);
  if (!(failure instanceof ConfigError)) throw new Error("no ConfigError", { cause: failure });
  return failure.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
}

const safeName = "a name of letters, digits, dots, dashes and underscores that begins with a letter or digit";

const mistakes: readonly (readonly [what: string, lines: readonly string[], problems: readonly string[]])[] =
  [
    ["no nodes", ["name: x"], ["1:1: missing `nodes`"]],
    ["empty nodes", ["name: x", "nodes: {}"], ["2:8: `nodes` must have at least 1 entry"]],
    ["nodes that are nothing", ["name: x", "nodes:"], ["2:7: `nodes` must be a mapping, not nothing"]],
    ["nodes that are a list", ["name: x", "nodes: [cp1]"], ["2:8: `nodes` must be a mapping, not a list"]],
    [
      "a misspelt property",
      ["name: x", "nodes:", "  cp1:", "    hots: 10.0.0.1"],
      ["4:5: unknown property `hots`, did you mean `host`?"],
    ],
    [
      "an unknown property",
      ["name: x", "nodes: {cp1: }", "keep: {pods: []}"],
      ["3:8: unknown property `pods`, did you mean `ports`?"],
    ],
    [
      "a port that is a word",
      ["name: x", "nodes:", "  cp1: { port: ssh }"],
      ['3:16: `port` must be a whole number from 1 to 65535, not "ssh"'],
    ],
    [
      "a port that is too big",
      ["name: x", "nodes:", "  cp1: { port: 65536 }"],
      ["3:16: `port` must be a whole number from 1 to 65535, not 65536"],
    ],
    [
      "a lab's name that is a number",
      ["name: 2024", "nodes: {cp1: }"],
      [`1:7: \`name\` must be ${safeName}, not 2024 (put it in quotes)`],
    ],
    [
      "a host that looks like an option",
      ["name: x", "nodes:", '  cp1: { host: "-oProxyCommand=id" }'],
      [
        '3:16: `host` must be a host name, an address or an alias of ~/.ssh/config, without spaces, not "-oProxyCommand=id"',
      ],
    ],
    [
      "names of nodes that no shell and no file should see",
      ["name: x", "nodes:", "  -rf: {}", "  a b: {}", '  "x;y": {}', "  cp1: {}"],
      [
        `3:3: \`-rf\` must be ${safeName}`,
        `4:3: \`a b\` must be ${safeName}`,
        `5:3: \`x;y\` must be ${safeName}`,
      ],
    ],
    [
      "an unknown role",
      ["name: x", "nodes:", "  cp1: { roles: [controlplane] }"],
      [
        '3:18: item 1 of `roles` must be one of "control-plane", "worker", not "controlplane", did you mean `control-plane`?',
      ],
    ],
    [
      "a role twice",
      ["name: x", "nodes:", "  cp1: { roles: [worker, worker] }"],
      ['3:26: `roles` has "worker" twice'],
    ],
    [
      "a node twice",
      ["name: x", "nodes:", "  cp1: {}", "  cp1: {}"],
      ["4:3: `cp1` is there twice: first on line 3"],
    ],
    [
      "a variable that is a list",
      ["name: x", "nodes:", "  cp1: { vars: { a: [1] } }"],
      ["3:21: `a` must be text or a number or true or false, not a list"],
    ],
    [
      "a group of an unknown node",
      ["name: x", "nodes: {cp1: , w1: }", "groups:", "  front: [cp1, w2]"],
      ["4:16: unknown node or group `w2`, did you mean `w1`?"],
    ],
    [
      "a glob that matches nothing",
      ["name: x", "nodes: {cp1: }", "groups:", "  front: [w*]"],
      ["4:11: `w*` matches no node"],
    ],
    [
      "a group that contains itself",
      ["name: x", "nodes: {cp1: }", "groups:", "  a: [b]", "  b: [a, cp1]"],
      ["4:3: the group `a` contains itself", "5:3: the group `b` contains itself"],
    ],
    [
      "a group with the name of a node",
      ["name: x", "nodes: {cp1: }", "groups:", "  cp1: [cp1]"],
      ["4:3: `cp1` is the name of a node already", "4:3: the group `cp1` contains itself"],
    ],
    [
      "a group with the name of a cluster",
      ["name: x", "nodes: {cp1: }", "clusters: {c: {}}", "groups:", "  c: [cp1]"],
      ["5:3: `c` is the name of a cluster already"],
    ],
    [
      "a node that is called all",
      ["name: x", "nodes: {all: }"],
      ["2:9: `all` selects nodes in every inventory"],
    ],
    [
      "a cluster of an unknown node",
      ["name: x", "nodes: {cp1: }", "clusters: {c: {nodes: [cp2]}}"],
      ["3:24: unknown node `cp2`, did you mean `cp1`?"],
    ],
    [
      "a node in two clusters",
      ["name: x", "nodes: {cp1: }", "clusters:", "  c: {nodes: [cp1]}", "  d: {nodes: [cp*]}"],
      ["5:15: `cp1` is in the cluster `c` already"],
    ],
    [
      "a node that contradicts its cluster",
      ["name: x", "nodes:", "  cp1: {cluster: d}", "clusters: {c: {nodes: [cp1]}, d: {}}"],
      ["3:18: `cp1` is in the cluster `c` already"],
    ],
    [
      "a node of an unknown cluster",
      ["name: x", "nodes:", "  cp1: {cluster: prod}", "clusters: {prdo: {}}"],
      ["3:18: unknown cluster `prod`, did you mean `prdo`?"],
    ],
    [
      "a unit without its ending",
      ["name: x", "nodes: {cp1: }", "keep: {units: [teleport]}"],
      [
        '3:16: item 1 of `units` must be a systemd unit with its ending, such as teleport.service, not "teleport"',
      ],
    ],
    [
      "no targets at all",
      ["name: x", "nodes: {cp1: }", "max_targets: 0"],
      ["3:14: `max_targets` must be a whole number from 1, not 0"],
    ],
    [
      "mistakes of every kind at once",
      ["nodes:", "  cp1: {port: x}", "  cp1: {}", "groups: {g: [cp2]}"],
      [
        "1:1: missing `name`",
        "3:3: `cp1` is there twice: first on line 2",
        "4:14: unknown node or group `cp2`, did you mean `cp1`?",
      ],
    ],
  ];

describe("an inventory with", () => {
  it.each(mistakes)("%s", async (_what, lines, problems) => {
    expect(await problemsOf(lines)).toEqual(problems.map((problem) => `i.yaml:${problem}`));
  });
});

describe("loadInventory", () => {
  it("fills in what every node has, resolves paths and expands groups", async () => {
    mkdirSync(join(folder, "sub"));
    const file = join(folder, "sub", "lab.yaml");
    writeFileSync(
      file,
      `name: lab
defaults: { user: ubuntu, port: 2222, key: ../keys/lab, become: true, vars: { a: 1, b: two } }
nodes:
  cp1: { host: 10.0.0.1, roles: [control-plane], user: root, vars: { b: 2 } }
  w1: { key: ~/w1, zone: a, cluster: c, protected: true }
  w2:
clusters:
  c: { kubeconfig: kubeconfig, nodes: [cp*] }
groups:
  workers: [w*]
  some: [w2, front, front]
  front: [cp1]
keep: { ports: [30080] }
max_targets: 2
`,
    );
    const common = { port: 2222, become: true };
    expect(await loadInventory(file)).toEqual({
      file,
      name: "lab",
      nodes: [
        {
          ...common,
          name: "cp1",
          host: "10.0.0.1",
          user: "root",
          key: join(folder, "keys/lab"),
          roles: ["control-plane"],
          vars: { a: 1, b: 2 },
          cluster: "c",
          protected: false,
        },
        {
          ...common,
          name: "w1",
          user: "ubuntu",
          key: `${homedir()}/w1`,
          roles: [],
          vars: { a: 1, b: "two" },
          cluster: "c",
          zone: "a",
          protected: true,
        },
        {
          ...common,
          name: "w2",
          user: "ubuntu",
          key: join(folder, "keys/lab"),
          roles: [],
          vars: { a: 1, b: "two" },
          protected: false,
        },
      ],
      clusters: [{ name: "c", kubeconfig: join(folder, "sub/kubeconfig"), nodes: ["cp1", "w1"] }],
      groups: { workers: ["w1", "w2"], some: ["cp1", "w2"], front: ["cp1"] },
      keep: { ports: [30080], units: [] },
      protected: false,
      maxTargets: 2,
    });
  });

  it("does not take forever for groups of groups of groups", async () => {
    const groups = Array.from({ length: 60 }, (_, index) => `  g${index}: [g${index + 1}, g${index + 1}]`);
    const text = ["name: x", "nodes: {cp1: }", "groups:", ...groups, "  g60: [cp1]"].join("\n");
    const inventory = await inventoryOf(await parseYaml("i.yaml", text));
    expect(inventory.groups.g0).toEqual(["cp1"]);
  });
});
