import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { attributes, folder, mode, move } from "../../src/operations/constructors.ts";
import type { AnyOperation } from "../../src/operations/index.ts";
import { quote } from "../../src/shell.ts";
import {
  apply,
  benchOn,
  everyDeath,
  expectRestored,
  prepare,
  refusal,
  restore,
  roundTrip,
  undo,
} from "../support/operations.ts";

const place = "/srv/names";
const path = `${place}/file`;
const other = `${place}/other`;

const bench = benchOn("w1");
let time: string;

beforeAll(async () => {
  time = (await bench.run("stat -c %y /srv")).trim();
});

afterAll(async () => {
  await bench.run(
    `umount -q -R ${place}/* || :; chattr -R -ia ${place}; rm -rf ${place}; touch -d '${time}' /srv`,
  );
});

beforeEach(async () => {
  await bench.run(`
    umount -q -R ${place}/* || :
    chattr -R -ia ${place} 2>/dev/null || :
    rm -rf ${place}; mkdir ${place}`);
});

const evidence = String.raw`
cd /srv/names
find . -printf '%p %y %#m %U:%G %T+ %s %n %l\n' | LC_ALL=C sort
find . -type f -exec sha256sum {} + | sort
find . ! -type l -exec lsattr -d {} + 2>/dev/null | sort
getfattr -R -P -h -d -m - -e hex . 2>/dev/null`;

const old = "touch -h -d '2021-02-03 04:05:06.789012345'";
const plant = (script: string) =>
  bench.run(`cd ${place}\n${script}\nfor name in * .; do ${old} -- "./$name" 2>/dev/null || :; done`);

const odd = `it's "$(touch canary)" \\n -%s\n*`;

describe("it comes back exactly", () => {
  it.each<[string, string, AnyOperation]>([
    ["a mode", "echo a > file; chmod 640 file", mode(path, { mode: "0777" })],
    [
      "a mode with special bits",
      "echo a > file; chown 12:34 file; chmod 6751 file",
      mode(path, { mode: "0600" }),
    ],
    [
      "an owner, with special bits",
      "echo a > file; chown 12:34 file; chmod 6751 file",
      mode(path, { owner: "0:0" }),
    ],
    [
      "an owner, with a capability",
      "cp /bin/true file; setcap cap_net_raw+ep file",
      mode(path, { owner: "12:34" }),
    ],
    [
      "a mode, with a capability",
      "cp /bin/true file; setcap cap_net_raw+ep file",
      mode(path, { mode: "0700" }),
    ],
    [
      "a mode, with an ACL",
      "echo a > file; chmod 640 file; setfacl -m u:12:rw,g:34:r file",
      mode(path, { mode: "0600" }),
    ],
    ["mode and owner of a folder", "mkdir -m 1777 file", mode(path, { mode: "2700", owner: "12:34" })],
    [
      "the mode of a file with an odd name",
      `echo a > ${quote(odd)}`,
      mode(`${place}/${odd}`, { mode: "000" }),
    ],
    ["an immutable file", "echo a > file", attributes(path, "i")],
    ["an append-only file", "echo a > file", attributes(path, "a")],
    ["both flags, one of which was there", "echo a > file; chattr +a file", attributes(path, "ia")],
    ["an immutable folder", "mkdir file", attributes(path, "i")],
    ["an immutable file with an odd name", `echo a > ${quote(odd)}`, attributes(`${place}/${odd}`, "i")],
    ["a new folder", ":", folder(path)],
    ["a new folder with a mode", ":", folder(path, "2750")],
    ["a new folder with an odd name", ":", folder(`${place}/${odd}`)],
    [
      "a moved file",
      "echo a > file; ln file twin; chown 12:34 file; chmod 4640 file; setfattr -n user.x -v y file; chattr +d file",
      move(path, other),
    ],
    ["a moved folder", "mkdir file; echo a > file/a", move(path, other)],
    ["a moved link", "ln -s nowhere file", move(path, other)],
    ["a moved pipe", "mkfifo file", move(path, other)],
    ["a moved file of 100 MB", "fallocate -l 100M file", move(path, other)],
    ["a file moved to another folder", "mkdir to; echo a > file", move(path, `${place}/to/.file`)],
    [
      "a file moved through linked folders",
      "mkdir real; ln -s real link; echo a > real/file",
      move(`${place}/link/file`, `${place}/link/.file`),
    ],
    ["a moved file with an odd name", `echo a > ${quote(odd)}`, move(`${place}/${odd}`, `${place}/.${odd}`)],
  ])("%s", async (_, script, operation) => {
    await plant(script);
    await roundTrip(bench, { operations: [operation], evidence });
  });

  it("a folder that the node's image brought, which an overlay would copy instead of renaming it", async () => {
    const image = "find /usr/share/bash-completion -printf '%p %y %m %U:%G %T+ %i %l\\n'; ls -A /usr/share";
    const before = await bench.run(image);
    const prepared = await prepare(bench, move("/usr/share/bash-completion", "/usr/share/.bash-completion"));
    expect((await apply(bench, prepared)).changes[0]?.kind).toBe("failed");
    await undo(bench, prepared);
    expect(await bench.run(image)).toBe(before);
  });

  it("chmod itself without its executable bit", async () => {
    await roundTrip(bench, {
      operations: [mode("/usr/bin/chmod", { mode: "0644" })],
      evidence: "stat -c '%a %u:%g %y' /usr/bin/chmod; chmod --version",
      meanwhile: async () =>
        expect((await bench.run("chmod --version 2>&1 || :")).toLowerCase()).toContain("denied"),
    });
  });
});

describe("killed anywhere, it is undone", () => {
  it.each<[string, string, AnyOperation]>([
    [
      "mode and owner",
      "cp /bin/true file; chmod 4755 file; setcap cap_net_raw+ep file",
      mode(path, { mode: "0600", owner: "12:34" }),
    ],
    ["flags", "echo a > file", attributes(path, "ia")],
    ["a folder", ":", folder(path)],
    ["a moved file", "mkdir to; echo a > file", move(path, `${place}/to/file`)],
  ])("%s", async (_, script, operation) => {
    await plant(script);
    expect(await everyDeath(bench, { operations: [operation], evidence })).toBeGreaterThan(3);
  });
});

describe("it is refused", () => {
  it.each<[string, string, AnyOperation, RegExp]>([
    ["the mode of a missing file", ":", mode(path, { mode: "0600" }), /not there/],
    ["the mode of a link", "ln -s x file", mode(path, { mode: "0600" }), /symbolic link/],
    ["a mode that it has", "echo a > file; chmod 600 file", mode(path, { mode: "600" }), /already/],
    [
      "the mode of an immutable file",
      "echo a > file; chattr +i file",
      mode(path, { mode: "0600" }),
      /immutable/,
    ],
    ["flags of a missing file", ":", attributes(path, "i"), /not there/],
    ["flags of a link", "ln -s x file", attributes(path, "i"), /symbolic link/],
    ["flags that it has", "echo a > file; chattr +i file", attributes(path, "i"), /already/],
    [
      "flags on a file system that has none",
      "mkdir in; mount -t ramfs ramfs in; echo a > in/file",
      attributes(`${place}/in/file`, "i"),
      /no attribute flags/,
    ],
    ["a folder that is there", "mkdir file", folder(path), /already there/],
    ["a folder where a broken link is", "ln -s x file", folder(path), /already there/],
    ["a missing file to move", ":", move(path, other), /not there/],
    ["a place that is taken", "echo a > file; ln -s x other", move(path, other), /already there/],
    ["a missing folder to move to", "echo a > file", move(path, `${place}/none/file`), /does not exist/],
    [
      "another file system to move to",
      "echo a > file; mkdir in; mount -t tmpfs tmpfs in",
      move(path, `${place}/in/file`),
      /another file system/,
    ],
    [
      "a file to move that is mounted by itself",
      "echo a > file; mount --bind file file",
      move(path, other),
      /mounted/,
    ],
  ])("%s", async (_, script, operation, reason) => {
    await plant(script);
    try {
      expect(await refusal(bench, operation)).toMatch(reason);
    } finally {
      await bench.run(`umount -q -R ${place}/* || :`);
    }
  });
});

describe("what somebody changed in between is left alone", () => {
  it.each<[string, string, AnyOperation, string]>([
    ["a mode", "echo a > file; chmod 640 file", mode(path, { mode: "0600" }), "chmod 644 file"],
    ["flags", "echo a > file", attributes(path, "i"), "chattr +a file"],
    ["a new folder", ":", folder(path), "mkdir -m 700 file"],
    ["a moved file", "echo a > file", move(path, other), "echo b > file"],
    ["the place of a moved file", "echo a > file", move(path, other), "echo b > other"],
  ])("%s", async (_, script, operation, meanwhile) => {
    await plant(script);
    const prepared = await prepare(bench, operation);
    await plant(meanwhile);
    const changed = await bench.run(evidence);
    expect((await apply(bench, prepared)).changes[0]?.kind).toBe("changed");
    expect(await bench.run(evidence)).toBe(changed);
  });

  it.each<[string, AnyOperation]>([
    ["mode", mode(path, { mode: "0600", owner: "12:34" })],
    ["flags", attributes(path, "a")],
  ])("the target of a link that took the place: %s", async (_, operation) => {
    await plant("echo a > file; chmod 640 file");
    const prepared = await prepare(bench, operation);
    await apply(bench, prepared);
    await plant(
      "chattr -a file; rm file; echo b > target; chmod 604 target; chattr +a target; ln -s target file",
    );
    const changed = await bench.run(evidence);
    expect((await restore(bench, prepared)).changes[0]?.kind).toBe("failed");
    expect(await bench.run(evidence)).toBe(changed);
  });

  it("a file that somebody put where the moved one was", async () => {
    await plant("echo a > file");
    const prepared = await prepare(bench, move(path, other));
    await apply(bench, prepared);
    await plant("echo b > file");
    const changed = await bench.run(evidence);
    expect((await restore(bench, prepared)).changes[0]?.kind).toBe("failed");
    await bench.run(`${old} ${place}`);
    expect(await bench.run(evidence)).toBe(changed);
  });

  it("a file that somebody put into the new folder", async () => {
    await plant(":");
    const prepared = await prepare(bench, folder(path));
    await apply(bench, prepared);
    await plant("echo b > file/mine");
    expect((await restore(bench, prepared)).changes[0]?.kind).toBe("failed");
    expect(await bench.run(`cat ${path}/mine`)).toBe("b\n");
  });
});

describe("drift is taken back", () => {
  it("of mode and owner", async () => {
    await plant("echo a > file; chown 12:34 file; chmod 4640 file");
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, mode(path, { mode: "0600" }));
    await apply(bench, prepared);
    await bench.run(`chown 5:6 ${path}; chmod 111 ${path}`);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run(evidence)).toBe(before);
  });

  it("but not what the operation never said", async () => {
    await plant("echo a > file");
    const prepared = await prepare(bench, attributes(path, "i"));
    await apply(bench, prepared);
    await bench.run(`chattr -i ${path}; chattr +d ${path}; chattr +i ${path}`);
    await undo(bench, prepared);
    expect(await bench.run(`lsattr -d ${path}`)).toMatch(/^-+d-+e-+ /);
  });
});
