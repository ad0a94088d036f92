import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import {
  editFile,
  folder,
  linkFile,
  move,
  removeFile,
  writeFile,
} from "../../src/operations/constructors.ts";
import { type TestLab, useLab } from "../support/lab.ts";
import {
  apply,
  type Bench,
  expectInEffect,
  expectRestored,
  openBench,
  prepare,
  restore,
  undo,
} from "../support/operations.ts";

let lab: TestLab;
let bench: Bench;

beforeAll(async () => {
  lab = await useLab({ nodes: "1+0", fresh: true });
  bench = await openBench(lab.node("cp1"));
});

afterAll(async () => {
  await bench?.close();
  await lab?.down();
});

const place = "/srv/play";
const path = `${place}/file`;
const evidence = String.raw`
find /srv/play -printf '%p %y %m %U:%G %T+ %s %n %l\n' | LC_ALL=C sort
find /srv/play -type f -exec sha256sum {} + | sort
getfattr -R -P -h -d -m - -e hex --absolute-names /srv/play`;

/** Fills the node's own disk to the last block. */
const fill = () =>
  bench.run(`
    fallocate -l "$(( $(df -B1 --output=avail / | tail -n 1) - 4000000 ))" /srv/ballast
    cat /dev/zero > /srv/ballast.rest 2>/dev/null || :
    # What is freed late is filled too.
    while dd if=/dev/zero of=/srv/ballast.rest bs=4k count=1 oflag=append conv=notrunc,fsync 2>/dev/null; do :; done`);

beforeEach(() =>
  bench.run(`
    rm -rf ${place}; mkdir ${place}; cd ${place}
    yes one | head -c 30000 > file; chmod 640 file; setfattr -n user.x -v y file
    touch -d '2021-02-03 04:05:06.789012345' file .`),
);
afterEach(() => bench.run("rm -f /srv/ballast*"));

const large = "x".repeat(50_000);

it.each([
  ["a new file", writeFile(`${place}/new`, large)],
  ["a new content", writeFile(path, large)],
  ["an edit of a copy", editFile(path, [{ find: "one\none\none\n", with: "two" }])],
])("a change that finds a full disk fails and leaves nothing: %s", async (_, operation) => {
  if (operation.replace !== undefined) {
    await bench.run(
      `cd ${place}; { echo begin; seq 10000; } > file; touch -d '2021-02-03 04:05:06.789012345' file .`,
    );
  }
  const before = await bench.run(evidence);
  const edit =
    operation.replace === undefined ? operation : editFile(path, [{ find: "begin", with: "begun" }]);
  const prepared = await prepare(bench, edit);
  await fill();
  const { changes } = await apply(bench, prepared);
  expect(changes[0]).toMatchObject({ kind: "failed", message: expect.stringMatching(/No space left/) });
  await undo(bench, prepared);
  expect(await bench.run(evidence)).toBe(before);
});

it.each([
  ["the same length", writeFile(path, "y".repeat(30_000))],
  ["a longer content", writeFile(path, large)],
  ["a new file", writeFile(`${place}/new`, large)],
  ["a new link", linkFile(`${place}/new`, "/x")],
  ["a new folder", folder(`${place}/new`)],
  ["a renamed file", move(path, `${place}/other`)],
])("what was done before the disk was full is undone all the same: %s", async (_, operation) => {
  const before = await bench.run(evidence);
  const prepared = await prepare(bench, operation);
  expectInEffect(prepared, await apply(bench, prepared));
  await fill();
  expectRestored(prepared, await restore(bench, prepared));
  expect(await bench.run(evidence)).toBe(before);
});

it.each([
  ["a shorter content", writeFile(path, "y")],
  ["a removed file", removeFile(path)],
])(
  "what needs space again is not restored while there is none, says so, and is when there is: %s",
  async (_, operation) => {
    const before = await bench.run(evidence);
    const prepared = await prepare(bench, operation);
    await apply(bench, prepared);
    await fill();
    expect((await restore(bench, prepared)).changes[0]).toMatchObject({
      kind: "failed",
      message: expect.stringMatching(/No space left/),
    });
    await bench.run("rm -f /srv/ballast*");
    await undo(bench, prepared);
    expect(await bench.run(evidence)).toBe(before);
  },
);
