import { expect, it } from "vitest";
import { setFields } from "../../src/operations/constructors.ts";
import { objectFields } from "../../src/operations/object-fields.ts";

const spec = setFields("deployment.apps/default/web", {
  "spec.template.spec.containers[name=web].command": ["false"],
});
const none = "[]\n";
const b64 = (text: string) => Buffer.from(text).toString("base64");

const state = (fields: string, sets: string, current: string, history = "10") => ({
  values: { presence: "present", fields: b64(fields), sets, current },
  notes: {
    history,
    whole: b64(JSON.stringify({ spec: { template: { spec: { containers: [{ name: "web" }] } } } })),
  },
});

const before = state(none, "web-a ", "web-a");

it("a ReplicaSet of a rollout that was taken back remains", () => {
  expect(objectFields.remains(spec, before, state(none, "web-a web-b ", "web-a"))).toBe(true);
  expect(objectFields.remains(spec, before, before)).toBe(false);
});

it("one that is in use, and those of a person's other fix, are no remains", () => {
  expect(objectFields.remains(spec, before, state(none, "web-a web-c ", "web-c"))).toBe(false);
  expect(
    objectFields.remains(spec, before, state('[\n    ["true"]\n]\n', "web-a web-b web-c ", "web-c")),
  ).toBe(false);
});

it("a rollout that would cost a Deployment a part of its history is refused", () => {
  const full = state(none, "web-1 web-2 web-a ", "web-a", "2");
  const held = undefined as never;
  expect(objectFields.refusal(spec, full, held)).toMatch(/keeps 2 old ReplicaSets.*would delete the oldest/);
  expect(objectFields.refusal(spec, state(none, "web-1 web-a ", "web-a", "2"), held)).toBeUndefined();
});
