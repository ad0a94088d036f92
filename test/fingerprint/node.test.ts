import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences } from "../../src/fingerprint/differences.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Difference, Fingerprint } from "../../src/fingerprint/types.ts";
import type { Connection } from "../../src/transport/transport.ts";
import { type Node, startNode } from "./node.ts";
import { ask, ground, lonely, type Plant, plants, timedFolders, timesOf } from "./plants.ts";

let node: Node;
let before: Fingerprint;

async function look(since?: Fingerprint): Promise<Fingerprint> {
  return fingerprint(node.connection, since === undefined ? {} : { since });
}

/** Both ways to look: hashing everything, and what was written since. */
const ways = [
  ["a whole look", () => look()],
  ["a look since the first", () => look(before)],
] as const;

type Way = (typeof ways)[number][0];

async function foundBy(): Promise<Readonly<Record<Way, readonly Difference[]>>> {
  const found = [];
  for (const [way, again] of ways) found.push([way, differences(before, await again())]);
  return Object.fromEntries(found);
}

const none = { [ways[0][0]]: [], [ways[1][0]]: [] };

const run = (script: string) => node.run(`${ask}\n${script}`);

function fits(plant: Plant, { section, key }: Difference): boolean {
  return plant.seen.some(
    ([name, expected]) =>
      name === section && (expected instanceof RegExp ? expected.test(key) : expected === key),
  );
}

function expectSeen(plant: Plant, found: readonly Difference[]): void {
  const missing = plant.seen.filter((one) => !found.some((each) => fits({ ...plant, seen: [one] }, each)));
  expect(missing).toEqual([]);
}

beforeAll(async () => {
  node = await startNode();
  await run(ground);
  before = await look();
});

afterAll(async () => {
  await node?.end();
});

describe("a node that nobody touches", () => {
  it("looks the same after other logins, questions to its services, and some seconds", async () => {
    for (const script of ["true", "systemctl status", "ss -a; ip address; crontab -l; df"]) {
      const other = await node.login();
      await other.run(script, { deadline: 10_000 });
      await other.close();
    }
    await run("ping -c 2 -q 127.0.0.1; ask get /play/changed; logger hello; hostnamectl; sleep 3");
    expect(await foundBy()).toEqual(none);
  });

  it("looks the same from another login, with this one still there", async () => {
    const other = await node.login();
    const after = await fingerprint(other);
    await other.close();
    expect(differences(before, after)).toEqual([]);
  });

  it("is looked at in less than three seconds", async () => {
    // The quickest of five: other test files are at work on the same two cores.
    const times: number[] = [];
    let seen = before;
    for (let count = 0; count < 5; count += 1) {
      const start = performance.now();
      seen = await look();
      times.push(performance.now() - start);
    }
    expect(Math.min(...times)).toBeLessThan(3000);
    expect(Object.keys(seen.sections.files ?? {}).length).toBeGreaterThan(5000);
    expect(Object.keys(seen.sections.contents ?? {}).length).toBeGreaterThan(4000);
  });

  it("is not read again since an earlier look: some kilobytes are told of files and attributes", async () => {
    const answers: number[] = [];
    const counting: Connection = {
      ...node.connection,
      run: async (script, options) => {
        const outcome = await node.connection.run(script, options);
        answers.push(outcome.stdout.length);
        return outcome;
      },
    };
    await fingerprint(counting, { since: await look() });
    expect(answers).toEqual([expect.any(Number), expect.any(Number)]);
    expect(answers[1]).toBeLessThan(20_000);
  });

  it("is looked at as a whole: only kernel modules are skipped, where the kernel has none", async () => {
    expect(before.skipped.filter(({ section }) => section !== "modules")).toEqual([]);
  });

  it("is not changed by being looked at: no file is left, and no file's access time moves", async () => {
    const atimes = "find /etc /usr /root /home /srv -type f -printf '%A@ %p\\n' | sort | sha256sum";
    const first = await run(atimes);
    await look();
    expect(await run(atimes)).toEqual(first);
  });
});

describe("one difference of each kind", () => {
  let found: Awaited<ReturnType<typeof foundBy>>;
  let left: typeof found;
  const failures: string[] = [];

  beforeAll(async () => {
    const times = await run(timesOf(timedFolders));
    for (const { what, plant } of plants) {
      await run(plant).catch((error: unknown) => failures.push(`${what}: ${error}`));
    }
    found = await foundBy();
    for (const { what, remove } of [...plants].reverse()) {
      await run(remove).catch((error: unknown) => failures.push(`${what}: ${error}`));
    }
    await run(times);
    left = await foundBy();
  });

  it("could be planted and removed", () => {
    expect(failures).toEqual([]);
  });

  describe.each(ways)("by %s", (way) => {
    it.each(plants)("$what is found", (plant) => {
      expectSeen(plant, found[way]);
    });

    it("nothing else is found", () => {
      const folder = ({ section, key }: Difference) => section === "files" && timedFolders.includes(key);
      const unexplained = found[way].filter(
        (each) => !folder(each) && !plants.some((plant) => fits(plant, each)),
      );
      expect(unexplained).toEqual([]);
    });

    it("all is as before when they are gone", () => {
      expect(left[way]).toEqual([]);
    });
  });
});

describe("a difference that reaches far", () => {
  it.each(lonely)("$what is found, and nothing is left of it", async (plant) => {
    await run(plant.plant);
    const found = await foundBy();
    await run(plant.remove);
    for (const [way] of ways) {
      expectSeen(plant, found[way]);
      expect(found[way].filter((each) => !fits(plant, each))).toEqual([]);
    }
    expect(await foundBy()).toEqual(none);
  });
});
