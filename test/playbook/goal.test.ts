import { describe, expect, it } from "vitest";
import { playbookFrom } from "../../src/playbook/load.ts";
import { parseYaml } from "../../src/yaml.ts";
import { known } from "./known.ts";
import { problemsOf } from "./problems.ts";

/** A playbook with this goal; its first line is line 3. */
const playbook = (goal: string) => `name: x\ngoal:\n${goal}\nsteps: [{break: files/immutable}]\n`;

describe("a goal's probe is", () => {
  it.each([
    [
      "a URL, with its defaults",
      "  - {name: a, http: 'http://{w1}:30000/'}",
      { http: "http://{w1}:30000/", status: 200, deadline: 5, on: undefined, contains: undefined },
    ],
    [
      "a URL that a node is to ask",
      "  - {name: a, http: 'https://web/', status: 404, on: w1, contains: v2, deadline: 9}",
      { http: "https://web/", status: 404, deadline: 9, on: "w1", contains: "v2" },
    ],
    ["a command", "  - {name: a, run: id, on: all}", { run: "id", on: "all", deadline: 30 }],
    [
      "something that kubectl gets",
      "  - {name: a, kubectl: {get: configmap/web, jsonpath: '{.data.v}', namespace: shop}, contains: v2}",
      {
        kubectl: { get: "configmap/web", jsonpath: "{.data.v}", namespace: "shop" },
        contains: "v2",
        deadline: 5,
        on: undefined,
      },
    ],
    [
      "something that kubectl waits for",
      "  - name: a\n    kubectl:\n      wait: pods\n      for: jsonpath={.status.phase}=Running\n      selector: app=web",
      {
        kubectl: { wait: "pods", for: "jsonpath={.status.phase}=Running", selector: "app=web" },
        deadline: 5,
        on: undefined,
      },
    ],
  ])("%s", async (_what, text, wanted) => {
    const { goal } = await playbookFrom(await parseYaml("p.yaml", playbook(text)), known);
    expect(goal).toEqual([{ name: "a", contains: undefined, ...wanted }]);
  });

  it.each([
    [
      "two kinds at once",
      "  - {name: a, http: 'http://x/', run: id, on: all}",
      ["3:5: `http` and `run` exclude each other"],
    ],
    ["a command on no node", "  - {name: a, run: id}", ["3:5: `run` needs `on` beside it"]],
    [
      "a status of a command",
      "  - {name: a, run: id, on: w1, status: 200}",
      ["3:5: `status` needs `http` beside it"],
    ],
    [
      "no URL",
      "  - name: a\n    http: web:80",
      ['4:11: `http` must be a URL, such as http://{w1}:30000/, not "web:80"'],
    ],
    ["a URL of no host", "  - name: a\n    http: http://:80/", ['4:11: `http` is no URL: "http://:80/"']],
    [
      "a URL with a password",
      "  - name: a\n    http: http://ada:secret@{w1}/",
      ["4:11: `http` must not hold a user or a password: they would be shown and logged"],
    ],
    [
      "a status that is none, and no time",
      "  - name: a\n    http: http://x/\n    status: 99\n    deadline: 0",
      [
        "5:13: `status` must be a whole number from 200 to 599, not 99",
        "6:15: `deadline` must be a whole number from 1 to 300, not 0",
      ],
    ],
    [
      "kubectl without a question",
      "  - name: a\n    kubectl: {namespace: default}",
      ["4:5: `kubectl`: missing `get` or `wait`"],
    ],
    [
      "a verb that changes something",
      "  - name: a\n    kubectl: {delete: pods}",
      [
        "4:5: `kubectl`: missing `get` or `wait`",
        "4:15: unknown property `delete`; known here: `get`, `jsonpath`, `wait`, `for`, `namespace`, `selector`",
      ],
    ],
    [
      "an option in a resource's place",
      "  - name: a\n    kubectl: {get: '--raw=/'}",
      ['4:20: `get` must be a resource, such as deployment/web or pods, not "--raw=/"'],
    ],
    ["waiting for nothing", "  - name: a\n    kubectl: {wait: pods}", ["4:5: `wait` needs `for` beside it"]],
    [
      "a condition that is none",
      "  - name: a\n    kubectl: {wait: pods, for: Ready}",
      ['4:32: `for` must be what `kubectl wait --for` takes, such as condition=Available, not "Ready"'],
    ],
    [
      "a JSONPath that YAML has read as a mapping",
      "  - name: a\n    kubectl: {get: pods, jsonpath: {.status}}",
      ["4:36: `jsonpath` must be a JSONPath in quotes, such as '{.status.readyReplicas}', not a mapping"],
    ],
  ])("never %s", async (_what, text, problems) => {
    expect(await problemsOf(playbook(text))).toEqual(problems.map((problem) => `p.yaml:${problem}`));
  });
});
