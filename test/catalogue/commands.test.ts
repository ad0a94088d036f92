import { expect, it } from "vitest";
import type { BreakDefinition } from "../../src/catalogue/break.ts";
import { loadCatalogue } from "../../src/catalogue/catalogue.ts";
import { asBreak } from "../../src/catalogue/commands.ts";

const { breaks } = await loadCatalogue();
const immutable = breaks.get("files/immutable");
if (immutable === undefined) throw new Error("there is no files/immutable");

const { commands: _, ...definition } = immutable;
const found = (commands: Pick<BreakDefinition, "find" | "fix">) =>
  asBreak(
    {
      ...definition,
      parameters: {
        type: "object",
        properties: {
          unit: { type: "string", description: "A unit.", default: "cron.service" },
          ports: { type: "array", description: "Ports.", default: [1, 2] },
        },
        additionalProperties: false,
      },
      ...commands,
    },
    { id: "layer/name", layer: "layer", file: "/layer/name.ts" },
  );

it("the commands of a break are those for its defaults, and for whatever parameters it gets", () => {
  const one = found({
    find: ["systemctl status {unit}; ss {ports}", "kubectl get nodes -o jsonpath='{.items} {other}'"],
    fix: ["systemctl start {unit} && systemctl is-active {unit}"],
  });
  expect(one.find[0]).toBe("systemctl status cron.service; ss 1 2");
  expect(one.find[1]).toContain("'{.items} {other}'");
  expect(one.fix).toEqual(["systemctl start cron.service && systemctl is-active cron.service"]);
  expect(one.commands({ unit: "etcd.service", ports: [3] })).toMatchObject({
    find: ["systemctl status etcd.service; ss 3", one.find[1]],
    fix: ["systemctl start etcd.service && systemctl is-active etcd.service"],
  });
});

it("commands that name no parameter say nothing of other parameters", () => {
  expect(found({ find: ["ls {}"], fix: ["true"] }).commands({ unit: "etcd.service" })).toBeUndefined();
});
