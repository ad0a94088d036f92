import { afterAll, beforeAll, expect, it } from "vitest";
import { mount, writeFile } from "../../src/operations/constructors.ts";
import {
  apply,
  benchOn,
  everyDeath,
  expectRestored,
  look,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");

beforeAll(async () => {
  await bench.run(
    "mkdir -p /srv/mount/a /srv/mount/b; cd /srv/mount; echo sound > file; echo other > a/inner; ln -s file link",
  );
});

afterAll(async () => {
  await bench.run("rm -rf /srv/mount");
});

const evidence =
  "cat /srv/mount/file; ls /srv/mount/b; cat /proc/self/mountinfo; find /srv/mount -printf '%p %T+\\n' | sort";
const masked = [writeFile("/srv/mount/mask", "broken\n"), mount("/srv/mount/mask", "/srv/mount/file")];

it("puts a file over a file; the one below is untouched, and seen again afterwards", async () => {
  await roundTrip(bench, {
    operations: masked,
    evidence,
    meanwhile: async () => expect(await bench.run("cat /srv/mount/file")).toBe("broken\n"),
  });
});

it("puts a folder over a folder", async () => {
  await roundTrip(bench, {
    operations: [mount("/srv/mount/a", "/srv/mount/b")],
    evidence,
    meanwhile: async () => expect(await bench.run("ls /srv/mount/b")).toBe("inner\n"),
  });
});

it("killed anywhere, it leaves nothing behind", async () => {
  const operations = [mount("/srv/mount/a", "/srv/mount/b")];
  expect(await everyDeath(bench, { operations, evidence })).toBeGreaterThan(1);
});

it("is taken away while somebody has it open, and where what was mounted is gone", async () => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, ...masked);
  await apply(bench, prepared);
  await bench.run(`setsid sleep 86390 </srv/mount/file >/dev/null 2>&1 &
    until [ "$(pgrep -fc '^sleep 86390$')" = 1 ]; do sleep 0.1; done
    rm /srv/mount/mask`);
  expectRestored(prepared, await restore(bench, prepared));
  await bench.run("pkill -f '^sleep 86390$'");
  expect(await bench.run(evidence)).toBe(before);
});

it("what somebody else has mounted over it is left alone, and said", async () => {
  const [, prepared] = [await bench.run("echo third > /srv/mount/third"), await prepare(bench, ...masked)];
  await apply(bench, prepared);
  await bench.run("mount --bind /srv/mount/third /srv/mount/file");
  const done = await restore(bench, prepared);
  expect(done.changes).toContainEqual({
    kind: "failed",
    message: "something else is mounted over /srv/mount/file: it is left alone",
  });
  expect((await look(bench, prepared))[1]?.values.mount).toBe("other");
  await bench.run("umount /srv/mount/file");
  expectRestored(prepared, await restore(bench, prepared));
  await bench.run("rm /srv/mount/third");
});

it.each([
  ["/srv/mount/none", /is not there/],
  ["/srv/mount/link", /is a symbolic link/],
  ["/proc", /is a mount point already/],
])("%s is refused", async (path, why) => {
  expect(await refusal(bench, mount("/srv/mount/a", path))).toMatch(why);
});
