import { afterAll, beforeAll, expect, it } from "vitest";
import { ballast } from "../../src/operations/constructors.ts";
import {
  apply,
  benchOn,
  everyDeath,
  expectRestored,
  prepare,
  refusal,
  restore,
  roundTrip,
} from "../support/operations.ts";

const bench = benchOn("w1");

beforeAll(async () => {
  // A disk of its own, so that nobody else's writing counts.
  await bench.run("mkdir -p /srv/disk && mount -t tmpfs -o size=256m tmpfs /srv/disk");
});

afterAll(async () => {
  await bench.run("umount /srv/disk && rmdir /srv/disk");
});

const path = "/srv/disk/archive";
const evidence = "ls -lA --full-time /srv/disk; df -k /srv/disk";
const free = async () =>
  Number((await bench.run("df -Pk /srv/disk | sed -n '2s/ \\{1,\\}/ /gp' | cut -d' ' -f4")).trim());

it("fills a disk down to what has to stay free, and frees it", async () => {
  await roundTrip(bench, {
    operations: [ballast(path, 30)],
    evidence,
    meanwhile: async () => {
      const floor = (256 * 1024 * 30) / 100;
      expect(await free()).toBeGreaterThanOrEqual(floor - 30);
      expect(await free()).toBeLessThan(floor + 1024);
    },
  });
});

it("leaves 64 MiB, however small the part is that was asked for", async () => {
  await roundTrip(bench, {
    operations: [ballast(path, 2)],
    evidence,
    meanwhile: async () => expect(await free()).toBeGreaterThanOrEqual(64 * 1024),
  });
});

it("killed anywhere, it leaves nothing behind", async () => {
  expect(await everyDeath(bench, { operations: [ballast(path, 30)], evidence })).toBeGreaterThan(3);
});

it("another file of its name is left alone", async () => {
  const prepared = await prepare(bench, ballast(path, 30));
  await apply(bench, prepared);
  await bench.run(`rm ${path}; echo mine > ${path}`);
  expect((await restore(bench, prepared)).changes).toMatchObject([
    { kind: "failed", message: expect.stringContaining("is left alone") },
  ]);
  expect(await bench.run(`cat ${path}`)).toBe("mine\n");
  await bench.run(`rm ${path}`);
  expectRestored(prepared, await restore(bench, prepared));
});

it.each([
  ["/srv/disk/none/archive", 30, /folder of .* does not exist/],
  ["/etc/hosts", 30, /already there/],
  ["/proc/archive", 30, /file system/],
])("%s is refused", async (place, part, why) => {
  expect(await refusal(bench, ballast(place, part))).toMatch(why);
});

it("is refused where the disk has no more free than has to stay", async () => {
  await bench.run("fallocate -l 200M /srv/disk/much");
  expect(await refusal(bench, ballast(path, 2))).toMatch(/no more free/);
  await bench.run("rm /srv/disk/much");
});
