import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { playbookOf } from "../../src/playbook/single.ts";
import { known } from "./known.ts";

const defaults = {
  path: "/etc/kubernetes/admin.conf",
  delay: 5,
  ratio: 0.5,
  deep: false,
  ports: [2379, 2380],
  level: "low",
};

describe("playbookOf", () => {
  it("is one step on all nodes with the break's defaults", async () => {
    expect(await playbookOf("files/immutable", [], known.breaks)).toEqual({
      name: "files/immutable",
      description: "",
      story: "",
      difficulty: undefined,
      length: undefined,
      hints: [],
      rules: { forbid: [] },
      goal: [],
      steps: [
        {
          name: "files/immutable",
          targets: "all",
          optional: false,
          break: "files/immutable",
          params: defaults,
        },
      ],
    });
  });

  it.each([
    ["path=/a=b c", { path: "/a=b c" }],
    ["path=/true", { path: "/true" }],
    ["delay=9", { delay: 9 }],
    ["ratio=.25", { ratio: 0.25 }],
    ["deep=true", { deep: true }],
    ["ports=1, 22,333", { ports: [1, 22, 333] }],
    ["ports=", { ports: [] }],
    ["level=high", { level: "high" }],
  ])("reads --param %s", async (assignment, params) => {
    const { steps } = await playbookOf("files/immutable", [assignment], known.breaks);
    expect(steps).toMatchObject([{ params: { ...defaults, ...params } }]);
  });

  it.each([
    [["delay=soon"], '`delay` must be a whole number from 1 to 3600, not "soon"'],
    [["delay="], '`delay` must be a whole number from 1 to 3600, not ""'],
    [["delay=1.5"], "`delay` must be a whole number from 1 to 3600, not 1.5"],
    [["deep=yes"], '`deep` must be true or false, not "yes"'],
    [["path=etc"], '`path` must be text that matches ^/, not "etc"'],
    [["level=hihg"], '`level` must be one of "low", "high", not "hihg", did you mean `high`?'],
    [["ports=1,x"], 'item 2 of `ports` must be a whole number from 1, not "x"'],
    [["pth=/x"], "`files/immutable` has no parameter `pth`, did you mean `path`?"],
    [["constructor=/x"], "`files/immutable` has no parameter `constructor`"],
    [["delay"], '--param takes name=value, not "delay"'],
    [["delay=1", "delay=2"], "--param delay is there twice"],
  ])("refuses --param %s", async (assignments, message) => {
    const failure = await playbookOf("files/immutable", assignments, known.breaks).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toContain(message);
  });

  it("says all wrong values at once", async () => {
    const work = playbookOf("files/immutable", ["delay=x", "deep=x"], known.breaks);
    await expect(work).rejects.toThrow(/`delay` must be .*\n.*`deep` must be/);
  });

  it("refuses an unknown break", async () => {
    await expect(playbookOf("files/imutable", [], known.breaks)).rejects.toThrow(
      /^unknown break `files\/imutable`, did you mean `files\/immutable`\?$/,
    );
  });
});
