import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { differences } from "../../src/fingerprint/differences.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { appendFile, editFile, linkFile, removeFile, writeFile } from "../../src/operations/constructors.ts";
import type { FileOperation } from "../../src/operations/file.ts";
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

const folder = "/srv/play";
const path = `${folder}/file`;

const bench = benchOn("w1");
let found: Fingerprint;
let time: string;

beforeAll(async () => {
  found = await bench.fingerprint();
  time = (await bench.run("stat -c %y /srv")).trim();
});

beforeEach(async () => {
  await bench.run(`
    umount -q ${folder}/* || :
    chattr -R -ia ${folder} 2>/dev/null || :
    rm -rf ${folder}; mkdir ${folder}`);
});

/** Everything of everything in the folder that a person could tell apart. */
const evidence = String.raw`
cd /srv/play
find . -printf '%p %y %#m %U:%G %T+ %s %n %l\n' | LC_ALL=C sort
find . -type f -exec sha256sum {} + | sort
find . ! -type l -exec lsattr -d {} + 2>/dev/null | sort
getfattr -R -P -h -d -m - -e hex . 2>/dev/null`;

const trip = (...operations: readonly FileOperation[]) => roundTrip(bench, { operations, evidence });

const old = "touch -d '2021-02-03 04:05:06.789012345'";
const plant = (script: string) => bench.run(`cd ${folder}\n${script}\n${old} . 2>/dev/null || :`);

describe("a file comes back exactly", () => {
  const planted: Record<string, string> = {
    plain: "printf 'one\\ntwo\\n' > file",
    "without a last newline": "printf 'one\\ntwo' > file",
    "with CRLF": "printf 'one\\r\\ntwo\\r\\n' > file",
    empty: ": > file",
    sparse: "truncate -s 300000 file",
    "with NUL bytes and what is no UTF-8": "printf 'a\\000b\\377\\376\\n\\n\\n' > file",
    "of 2 MB": "head -c 2000000 /dev/urandom > file",
    "with another mode and owner": "echo one > file; chown 12:34 file; chmod 4751 file",
    "that nobody may read": "echo one > file; chmod 0 file",
    "with a capability": "cp /bin/true file; setcap cap_net_raw+ep file",
    "with attributes of users":
      "echo one > file; setfattr -n user.one -v 'a b' file; setfattr -n user.two file",
    "with an ACL": "echo one > file; chmod 640 file; setfacl -m u:12:rw,g:34:r file",
    "with two names": "echo one > file; ln file other",
    "with two names and a capability": "cp /bin/true file; setcap cap_net_raw+ep file; ln file other",
    "with two names, an ACL and a strange owner":
      "echo one > file; ln file other; chown 12:34 file; chmod 6750 file; setfacl -m u:12:rw file; setfattr -n user.x -v y file",
    "that is not dumped": "echo one > file; chattr +d file",
    "that was a symbolic link": "ln -s /nowhere/at/all file; chown -h 12:34 file",
    "that was not there": ":",
  };
  for (const [name, script] of Object.entries(planted)) {
    it(`${name}, when it is written anew`, async () => {
      await plant(
        `${script}; [ ! -e file ] || ${old} file; [ ! -L file ] || touch -h -d '2020-01-01 00:00:00.123456789' file`,
      );
      await trip(writeFile(path, "some\ncontent", { mode: "0750" }));
    });
  }
  for (const name of [
    "plain",
    "empty",
    "with a capability",
    "with an ACL",
    "that was a symbolic link",
    "of 2 MB",
  ])
    it(`${name}, when it is removed`, async () => {
      await plant(`${planted[name]}; touch -h -d '2020-01-01 00:00:00.123456789' file`);
      await trip(removeFile(path));
    });
  for (const name of ["plain", "with an ACL", "that was a symbolic link", "that was not there"])
    it(`${name}, when it becomes a symbolic link`, async () => {
      await plant(
        `${planted[name]}; [ "${name}" = "that was not there" ] || touch -h -d '2020-01-01 00:00:00.123456789' file`,
      );
      await trip(linkFile(path, "/etc/it's $(gone)\n"));
    });

  it.each([
    ["one\n", "one\ntwo\n"],
    ["one", "one\ntwo\n"],
    [undefined, "two\n"],
  ])("of %j, when a line is added", async (text, grown) => {
    if (text !== undefined) await plant(`printf %s ${quote(text)} > file; chmod 640 file; ${old} file`);
    await roundTrip(bench, {
      operations: [appendFile(path, "two")],
      evidence,
      meanwhile: async () => expect(await bench.run(`cat ${path}`)).toBe(grown),
    });
    await bench.run(`rm -f ${path}; ln -s /etc/hosts ${path}`);
    expect(await refusal(bench, appendFile(path, "two"))).toMatch(/is a symbolic link/);
  });

  it("when chmod has no executable bit any more", async () => {
    await plant(`echo one > file; chmod 4751 file; ${old} file`);
    await bench.run("chmod -x /usr/bin/chmod");
    try {
      await trip(editFile(path, [{ find: "one", with: "two" }]));
    } finally {
      await bench.run("/lib64/ld-linux-x86-64.so.2 /usr/bin/chmod 755 /usr/bin/chmod");
    }
  });

  it("when some of its words are replaced", async () => {
    await plant(`printf 'a: $1\\r\\nb: $&\\n' > file; ${old} file`);
    await roundTrip(bench, {
      operations: [
        editFile(path, [
          { find: "$1", with: "$& $$" },
          { find: "b: $&", with: "c" },
        ]),
      ],
      evidence,
      meanwhile: async () => expect(await bench.run(`cat ${path}`)).toBe("a: $& $$\r\nc\n"),
    });
  });

  it.each([
    ["quotes", `it's "this"`],
    ["a newline", "one\ntwo"],
    ["a newline at its end", "one\n"],
    ["a command", "$(touch canary)`touch canary`"],
    ["a backslash", "back\\slash\\n\\134"],
    ["a leading dash", "-rf"],
    ["spaces", "  one  two "],
    ["a percent sign", "%s%n"],
    ["other letters", "schlüssel-鍵-🔑"],
    ["a star", "*"],
  ])("with %s in its name, and in that of its folder", async (_, name) => {
    const [inner, target] = [`${folder}/${name.trimEnd()} x`, `${folder}/${name.trimEnd()} x/${name}`];
    await plant(
      `mkdir -- ${quote(inner)}; echo one > ${quote(target)}; ${old} ${quote(target)} ${quote(inner)}; setfattr -n user.x -v y -- ${quote(target)}`,
    );
    for (const operation of [writeFile(target, "x"), removeFile(target), linkFile(target, `to ${name}`)])
      await trip(operation);
    await trip(writeFile(`${inner}/new ${name}`, "x"));
  });

  it("as a mounted file, which is written in place", async () => {
    await plant(
      `echo one > source; chmod 640 source; setfattr -n user.x -v y source; ${old} source; : > file; mount --bind source file`,
    );
    await trip(writeFile(path, "two"));
    await bench.run(`umount ${path}`);
  });

  it("in a folder that is reached by a symbolic link", async () => {
    await plant(
      `mkdir real; ln -s real link; echo one > real/file; ${old} real/file; touch -d 2019-01-01 real; touch -h -d 2018-01-01 link`,
    );
    await trip(removeFile(`${folder}/link/file`));
  });
});

describe("a change that was killed", () => {
  it.each<[string, string, FileOperation]>([
    ["a new file", ":", writeFile(path, "new")],
    [
      "a new content",
      `echo one > file; chmod 640 file; setfattr -n user.x -v y file; ${old} file`,
      writeFile(path, "new"),
    ],
    [
      "a new content in place",
      `echo one > file; ln file other; setfattr -n user.x -v y file; ${old} file`,
      writeFile(path, "new"),
    ],
    ["a removed file", `echo one > file; ${old} file`, removeFile(path)],
    ["a link", `echo one > file; ${old} file`, linkFile(path, "/x")],
    ["a removed link", `ln -s /x file; touch -h -d 2020-01-01 file`, removeFile(path)],
  ])("anywhere is undone: %s", async (_, script, operation) => {
    await plant(script);
    expect(await everyDeath(bench, { operations: [operation], evidence })).toBeGreaterThan(3);
  });

  it("leaves no temporary file when it fails instead", async () => {
    await plant(`echo one > source; : > file; mount --bind source file; mount -o remount,ro,bind file`);
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, writeFile(path, "two"));
    const { changes } = await apply(bench, prepared);
    expect(changes[0]?.kind).toBe("failed");
    await undo(bench, prepared);
    expect(await bench.run(evidence)).toBe(before);
    await bench.run(`umount ${path}`);
  });
});

describe("it is refused", () => {
  it.each<[string, string, FileOperation, RegExp]>([
    ["a missing file", ":", editFile(path, [{ find: "a", with: "b" }]), /is not there/],
    ["a missing file to remove", ":", removeFile(path), /is not there/],
    ["a missing folder", ":", writeFile(`${folder}/none/file`, ""), /folder of .* does not exist/],
    ["a folder", "mkdir file", writeFile(path, ""), /not a regular file/],
    ["a pipe", "mkfifo file", writeFile(path, ""), /not a regular file/],
    ["a device", "mknod file c 1 3", removeFile(path), /not a regular file/],
    ["an immutable file", "echo a > file; chattr +i file", writeFile(path, "b"), /immutable/],
    ["an append-only file", "echo a > file; chattr +a file", removeFile(path), /append-only/],
    [
      "a file in an immutable folder",
      "echo a > file; chattr +i .",
      writeFile(path, "b"),
      /folder of .* immutable/,
    ],
    [
      "a file in an append-only folder",
      "echo a > file; chattr +a .",
      writeFile(path, "b"),
      /folder of .* append-only/,
    ],
    [
      "a link to edit",
      "echo a > x; ln -s x file",
      editFile(path, [{ find: "a", with: "b" }]),
      /symbolic link/,
    ],
    ["text that is not there", "echo a > file", editFile(path, [{ find: "b", with: "c" }]), /0 times/],
    ["text that is there twice", "echo aba > file", editFile(path, [{ find: "a", with: "c" }]), /2 times/],
    ["text that overlaps itself", "echo aaa > file", editFile(path, [{ find: "aa", with: "c" }]), /2 times/],
    [
      "bytes that are no UTF-8",
      "printf 'a\\377' > file",
      editFile(path, [{ find: "a", with: "b" }]),
      /not UTF-8/,
    ],
    ["a file too large", "head -c 5000000 /dev/zero > file", writeFile(path, "b"), /more than/],
    ["an edit of nothing", "echo a > file", editFile(path, [{ find: "a", with: "a" }]), /would not change/],
    ["a content that is there already", "printf a > file", writeFile(path, "a"), /would not change|already/],
    ["a link that is there already", "ln -s /x file", linkFile(path, "/x"), /would not change|already/],
    ["a growing file that is there", "echo a > file", writeFile(path, "", { grows: true }), /already there/],
    ["a file with two names to remove", "echo a > file; ln file other", removeFile(path), /names|links/],
    [
      "a file with two names to become a link",
      "echo a > file; ln file other",
      linkFile(path, "/x"),
      /names|links/,
    ],
    ["a file with a flag to remove", "echo a > file; chattr +d file", removeFile(path), /flag/],
    ["a link to what is no UTF-8", "ln -s \"$(printf 'a\\377')\" file", removeFile(path), /UTF-8/],
  ])("%s", async (_, script, operation, reason) => {
    await plant(script);
    expect(await refusal(bench, operation)).toMatch(reason);
  });

  it("a read-only file system", async () => {
    await plant("mkdir ro; echo a > ro/file; mount --bind ro ro; mount -o remount,ro,bind ro");
    expect(await refusal(bench, writeFile(`${folder}/ro/file`, "b"))).toMatch(/read-only/);
    expect(await refusal(bench, writeFile(`${folder}/ro/new`, "b"))).toMatch(/read-only/);
    await bench.run(`umount ${folder}/ro`);
  });

  it("a mounted file to remove", async () => {
    await plant("echo a > source; : > file; mount --bind source file");
    expect(await refusal(bench, removeFile(path))).toMatch(/mounted/);
    expect(await refusal(bench, linkFile(path, "/x"))).toMatch(/mounted/);
    await bench.run(`umount ${path}`);
  });
});

describe("what somebody changed between read and apply is not overwritten", () => {
  it.each([
    ["its content", "echo other > file"],
    ["its mode", "chmod 600 file"],
    ["its owner", "chown 12 file"],
    ["an attribute", "setfattr -n user.x -v y file"],
    ["its ACL", "setfacl -m u:12:r file"],
    ["its type", "rm file; ln -s other file"],
    ["its existence", "rm file"],
  ])("%s", async (_, script) => {
    await plant("echo one > file; chmod 644 file");
    const prepared = await prepare(bench, writeFile(path, "two"));
    await plant(script);
    const changed = await bench.run(evidence);
    expect((await apply(bench, prepared)).changes[0]?.kind).toBe("changed");
    expect(await bench.run(evidence)).toBe(changed);
  });

  it.each(["i", "a"])("the flag %s, which the kernel defends", async (flag) => {
    await plant("echo one > file");
    const prepared = await prepare(bench, writeFile(path, "two"));
    await plant(`chattr +${flag} file`);
    const changed = await bench.run(evidence);
    expect((await apply(bench, prepared)).changes[0]?.kind).toBe("failed");
    await bench.run(`${old} ${folder}`);
    expect(await bench.run(evidence)).toBe(changed);
  });

  it("and the operations behind it are not begun", async () => {
    await plant("echo one > file; echo one > next");
    const prepared = await prepare(bench, writeFile(path, "two"), writeFile(`${folder}/next`, "two"));
    await plant("echo three > file");
    const { changes } = await apply(bench, prepared);
    expect(changes.map(({ kind }) => kind)).toEqual(["changed", "not reached"]);
    expect(await bench.run(`cat ${folder}/next`)).toBe("one\n");
  });
});

describe("a drifted file comes back", () => {
  it.each([
    ["removed", "rm file"],
    ["replaced by a link, whose target is left alone", "rm file; ln -s target file"],
    [
      "with another mode, owner and attribute",
      "chmod 777 file; chown 12:34 file; setfattr -n user.new -v 1 file; setfattr -x user.x file",
    ],
  ])("%s", async (_, script) => {
    await plant(
      `echo target > target; echo one > file; chmod 640 file; setfattr -n user.x -v y file; ${old} file target`,
    );
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, writeFile(path, "two"));
    await apply(bench, prepared);
    await plant(script);
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run(evidence)).toBe(before);
  });

  it("in place, with its own attributes and no others", async () => {
    await plant(`echo one > file; ln file other; chmod 640 file; setfattr -n user.x -v y file; ${old} file`);
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, writeFile(path, "two"));
    await apply(bench, prepared);
    await plant(
      "chmod 777 file; setfattr -n user.new -v 1 file; setfattr -x user.x file; setfacl -m u:12:rw file",
    );
    expectRestored(prepared, await restore(bench, prepared));
    expect(await bench.run(evidence)).toBe(before);
  });
});

it("the node is as it was found", async () => {
  await bench.run(`rm -rf ${folder}; touch -d '${time}' /srv`);
  const now = await bench.fingerprint();
  expect(Object.keys(now.sections).length).toBeGreaterThan(5);
  expect(differences(found, now)).toEqual([]);
});
