import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { swap } from "../../src/operations/constructors.ts";
import {
  apply,
  applying,
  benchOn,
  expectInEffect,
  killedAt,
  look,
  prepare,
  refusal,
  restore,
  restoring,
  roundTrip,
  undo,
} from "../support/operations.ts";

const bench = benchOn("cp1", { provider: "vm", nodes: "1" });

beforeAll(async () => {
  await bench.run("mkdir -p /srv/swap && sleep 0.01");
});

afterAll(async () => {
  await bench.run("rm -rf /srv/swap");
});

const path = "/srv/swap/file-1";
const file = swap(path, 2);
const evidence =
  "stat -c %y /srv/swap; ls -A /srv/swap; cat /proc/swaps; systemctl list-units --all --plain --no-legend '*.swap'";

describe("a swap file", () => {
  it("is made without holes, for root only, and used; and is gone without a trace", async () => {
    await roundTrip(bench, {
      operations: [file],
      evidence,
      whole: true,
      meanwhile: async () => {
        const [mode, size, blocks] = (await bench.run(`stat -c '%a %s %b' ${path}`)).trim().split(" ");
        expect([mode, size]).toEqual(["600", `${2 * 1024 * 1024}`]);
        expect(Number(blocks) * 512).toBeGreaterThanOrEqual(Number(size));
        expect(await bench.run("cat /proc/swaps")).toContain(`${path} `);
      },
    });
  });

  it.each<readonly ["apply" | "restore", number, string]>([
    ["apply", 2, "half written under its temporary name"],
    ["apply", 5, "ready under its temporary name"],
    ["apply", 7, "in its place, and not in use"],
    ["restore", 3, "out of use, and in its place"],
  ])("whose %s died before its program %i, which leaves it %s, is undone", async (what, call, _) => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, file);
    if (what === "restore") expectInEffect(prepared, await apply(bench, prepared));
    expect(await killedAt(bench, (what === "apply" ? applying : restoring)(prepared), call)).toBe(true);
    await undo(bench, prepared);
    expect(await bench.run(evidence)).toEqual(before);
  });

  it("that is in use no more, as after a reboot or swapoff, goes all the same", async () => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, file);
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run("swapoff -a");
    await restore(bench, prepared);
    expect(await bench.run(evidence)).toEqual(before);
  });

  it("that a person has replaced by one of their own is left alone", async () => {
    const prepared = await prepare(bench, file);
    expectInEffect(prepared, await apply(bench, prepared));
    await bench.run(`swapoff ${path} && mkswap ${path} && swapon ${path}`);
    expect((await look(bench, prepared))[0]?.values).toMatchObject({ type: "other", active: "yes" });
    expect((await restore(bench, prepared)).changes).toMatchObject([
      { kind: "failed", message: expect.stringContaining("not the file that was made there") },
    ]);
    expect(await bench.run("cat /proc/swaps")).toContain(path);
    await bench.run(`swapoff ${path} && rm ${path}`);
  });

  it.each([
    ["where something is already", swap("/etc/fstab", 1), /\/etc\/fstab is already there/],
    [
      "in a folder that is not there",
      swap("/srv/none/file", 1),
      /the folder of \/srv\/none\/file does not exist/,
    ],
    ["on a file system that cannot have one", swap("/run/file", 1), /not for: tmpfs/],
    ["on a disk that it would fill", swap(path, 4000), /MiB free, and a fifth has to stay free/],
    ["beyond what memory could take back", swap(path, 500), /MiB of memory are available/],
  ])("is refused %s", async (_, operation, words) => {
    expect(await refusal(bench, operation)).toMatch(words);
  });
});
