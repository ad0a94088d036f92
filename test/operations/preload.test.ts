import { afterAll, beforeAll, expect, it } from "vitest";
import { preload, writeFile } from "../../src/operations/constructors.ts";
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
  await bench.run("mkdir /srv/preload");
});

afterAll(async () => {
  await bench.run("rm -rf /srv/preload");
});

const program = "/srv/preload/decoy";
const library = preload("/srv/preload/library.so", program);
const script = writeFile(program, "#!/bin/sh\nwhile sleep 86394; do :; done\n", { mode: "0755" });
const evidence = "find /srv/preload -printf '%p %m %T+\\n' | sort";

it("hides the program's file and processes from listings, and nothing else", async () => {
  await roundTrip(bench, {
    operations: [script, library],
    evidence,
    meanwhile: async () => {
      await bench.run(`touch /srv/preload/decoys; cp ${program} /srv/preload/a; mkdir /srv/preload/b; touch /srv/preload/b/decoy
        for one in ${program} /srv/preload/a; do setsid $one >/dev/null 2>&1 </dev/null & done
        until [ "$(pgrep -fc '^/bin/sh /srv/preload/')" = 2 ]; do sleep 0.1; done`);
      const seen = await bench.run(`export LD_PRELOAD=/srv/preload/library.so
        find /srv/preload -name 'decoy*' -o -name a | sort; ls /srv/preload | wc -l; test -x ${program} && echo there
        ps -e -o args= | grep '^/bin/sh /srv/preload' || :`);
      expect(seen).toBe(
        "/srv/preload/a\n/srv/preload/b/decoy\n/srv/preload/decoys\n4\nthere\n/bin/sh /srv/preload/a\n",
      );
      await bench.run(
        "pkill -f '/srv/preload/|^sleep 86394$'; rm -r /srv/preload/decoys /srv/preload/a /srv/preload/b",
      );
    },
  });
});

it("killed anywhere, it leaves nothing behind", async () => {
  expect(await everyDeath(bench, { operations: [library], evidence })).toBeGreaterThan(3);
});

it("another file of its name is left alone", async () => {
  const prepared = await prepare(bench, library);
  await apply(bench, prepared);
  await bench.run("echo mine > /srv/preload/new; mv /srv/preload/new /srv/preload/library.so");
  expect((await restore(bench, prepared)).changes).toMatchObject([
    { kind: "failed", message: expect.stringContaining("is left alone") },
  ]);
  await bench.run("rm /srv/preload/library.so");
  expectRestored(prepared, await restore(bench, prepared));
});

it("is refused without a compiler, and made no part of any program where it does not compile", async () => {
  const before = await bench.run(evidence);
  await bench.run("mv /usr/bin/tcc /usr/bin/tcc.away");
  try {
    expect(await refusal(bench, library)).toMatch(/no C compiler/);
    await bench.run("printf '#!/bin/sh\\necho broken >&2; exit 1\\n' > /usr/bin/tcc; chmod 755 /usr/bin/tcc");
    const prepared = await prepare(bench, library);
    expect((await apply(bench, prepared)).changes).toMatchObject([{ kind: "failed" }]);
    await restore(bench, prepared);
    expect(await bench.run(evidence)).toBe(before);
  } finally {
    await bench.run("mv /usr/bin/tcc.away /usr/bin/tcc");
  }
});
